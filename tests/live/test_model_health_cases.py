"""The numbered acceptance cases of model health and availability: traffic and outages show up over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "openai/gpt-4o"
SPARE = "openai/gpt-4-turbo"


class Watched:
    """A gateway with two providers of one model; `admin` may announce maintenance."""

    def __init__(
        self, gateway: GatewayProcess, client: httpx.Client, openai: StubUpstream, openrouter: StubUpstream
    ) -> None:
        self.client, self.openai, self.openrouter = client, openai, openrouter
        self.user = {"authorization": f"Bearer {gateway.create_user()}"}
        self.admin = {"authorization": f"Bearer {gateway.create_user('admin@example.com', '--role', 'admin')}"}

    def chat(self, **fields: Any) -> int:
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], **fields}
        return self.client.post("/v1/chat/completions", json=asked, headers=self.user).status_code

    def body(self, path: str, **query: Any) -> Any:
        reply = self.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def health(self, provider: str) -> Any:
        return self.body(f"/v1/model-health/{provider}/{MODEL}")

    def reset(self) -> None:
        self.openai.recover()
        self.openrouter.recover()
        self.client.post("/circuit-breakers/reset-all").raise_for_status()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("health")
    with stub_upstream() as openai, stub_upstream() as openrouter:
        config = {
            "providers": {
                "openai": {"base_url": openai.url, "api_key": "sk-openai-upstream"},
                "openrouter": {"base_url": openrouter.url, "api_key": "sk-or-upstream"},
                "local": {"enabled": False},
            },
        }
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Watched(gateway, client, openai, openrouter)


@pytest.fixture
def watched(running: Watched) -> Watched:
    running.reset()
    return running


def test_4_8_before_any_call_nothing_is_claimed(watched: Watched) -> None:
    """First in this file: no call was made yet."""
    shown = watched.body(f"/availability/model/{MODEL}")
    assert (shown["model_id"], shown["status"], shown["available"]) == (MODEL, "unknown", True)
    assert shown["success_rate"] is shown["response_time_ms"] is shown["last_checked"] is None
    assert watched.body("/availability/summary")["availability_percentage"] is None
    assert watched.body("/v1/model-health/stats")["success_rate"] is None
    unknown = watched.health("openai")
    assert (unknown["status"], unknown["call_count"]) == ("unknown", 0)


def test_4_6_1_to_4_6_3_traffic_shows_up(watched: Watched) -> None:
    before = watched.health("openai")["call_count"]
    for _ in range(3):
        assert watched.chat() == 200
    shown = watched.health("openai")
    assert shown["call_count"] == before + 3
    assert shown["total_tokens"] == shown["input_tokens"] + shown["output_tokens"] > 0
    assert shown["average_response_time_ms"] > 0 and shown["last_status"] == "success"
    whole = watched.body("/v1/model-health", limit=50)
    assert {"total", "limit", "offset", "models"} <= whole.keys() and whole["limit"] == 50
    assert ("openai", MODEL) in {(each["provider"], each["model"]) for each in whole["models"]}
    stats = watched.body("/v1/model-health/stats")
    assert stats["total_calls"] >= 3 and stats["total_models"] >= 1 and 0 < stats["success_rate"] <= 1
    providers = watched.body("/v1/model-health/providers")
    assert providers["total_providers"] == len(providers["providers"]) >= 1
    assert next(each for each in providers["providers"] if each["provider"] == "openai")["total_calls"] >= 3
    assert watched.body("/v1/model-health", provider="openrouter", status="healthy")["models"] == []


def test_4_6_4_an_outage_shows_up_and_the_other_provider_answers(watched: Watched) -> None:
    watched.openai.fail(500)
    for _ in range(6):
        assert watched.chat() == 200
    found = watched.body("/v1/model-health/unhealthy", min_calls=5)
    assert (found["threshold"], found["min_calls"]) == (0.2, 5)
    assert [(each["provider"], each["model"]) for each in found["models"]] == [("openai", MODEL)]
    assert found["total_unhealthy"] == 1
    broken = watched.health("openai")
    assert (broken["status"], broken["circuit_breaker_state"], broken["last_status"]) == ("down", "OPEN", "fault")
    assert watched.health("openrouter")["status"] == "healthy"


def test_4_6_5_and_4_6_6_one_model_and_one_provider(watched: Watched) -> None:
    assert watched.chat(provider="openrouter") == 200
    shown = watched.health("openrouter")
    assert (shown["provider"], shown["model"], shown["success_count"] > 0) == ("openrouter", MODEL, True)
    assert watched.health("openrouter") == watched.body(f"/v1/model-health/openrouter/{MODEL.replace('/', '%2F')}")
    summary = watched.body("/v1/model-health/provider/openrouter/summary")
    assert (summary["provider"], summary["total_models"]) == ("openrouter", 1) and summary["total_calls"] > 0
    off = watched.body("/v1/model-health/provider/groq/summary")
    assert (off["status"], off["total_calls"]) == ("unknown", 0)
    for path in ("/openrouter/no/such", f"/nobody/{MODEL}", "/provider/nobody/summary"):
        assert watched.client.get(f"/v1/model-health{path}").status_code == 404, path
    assert watched.client.get("/v1/model-health", params={"limit": 0}).status_code == 422


def test_4_8_1_to_4_8_5_availability_follows_traffic_and_circuits(watched: Watched) -> None:
    assert watched.chat(provider="openrouter") == 200
    listed = watched.body("/availability/models")
    assert isinstance(listed, list) and {"model_id", "provider", "gateway", "status"} <= listed[0].keys()
    mine = watched.body("/availability/models", gateway="openrouter", status="available")
    assert [(each["model_id"], each["provider"]) for each in mine] == [(MODEL, "openrouter")]
    shown = watched.body(f"/availability/model/{MODEL}")
    assert shown["status"] in ("available", "degraded") and shown["response_time_ms"] > 0
    summary = watched.body("/availability/summary")
    assert {"total_models", "available_models", "unavailable_models", "availability_percentage"} <= summary.keys()
    assert summary["total_models"] == 1 and summary["availability_percentage"] == 100.0
    assert watched.body("/availability/status")["status"] == "operational"
    check = watched.body(f"/availability/check/{MODEL}")
    assert (check["model_id"], check["available"]) == (MODEL, True)
    assert watched.body("/availability/check/no/such")["available"] is False
    assert watched.client.get("/availability/model/no/such").status_code == 404


def test_4_8_6_and_4_8_7_fallbacks_and_the_best_provider(watched: Watched) -> None:
    shown = watched.body(f"/availability/fallback/{MODEL}")
    assert shown["primary_model"] == MODEL
    assert shown["fallback_models"][0]["model_id"] == SPARE
    assert [each["provider"] for each in shown["fallback_providers"]] == ["openai", "openrouter"]
    best = watched.body(f"/availability/best/{MODEL}")
    assert (best["best_available"], best["best_provider"], best["is_primary"]) == (MODEL, "openai", True)
    watched.openai.fail(500)
    for _ in range(6):
        assert watched.chat() == 200
    best = watched.body(f"/availability/best/{MODEL}")
    assert (best["best_available"], best["best_provider"], best["is_primary"]) == (MODEL, "openrouter", True)
    assert watched.body(f"/availability/fallback/{MODEL}")["fallback_providers"][0]["available"] is False


def test_when_all_providers_are_out_a_substitute_is_best(watched: Watched) -> None:
    watched.openai.fail(500)
    watched.openrouter.fail(500)
    for _ in range(6):
        watched.chat()
    shown = watched.body(f"/availability/model/{MODEL}")
    assert (shown["status"], shown["available"], shown["circuit_breaker_state"]) == ("unavailable", False, "OPEN")
    assert watched.body("/availability/status")["status"] == "degraded"
    assert watched.body(f"/availability/best/{MODEL}")["is_primary"] is False


Asking = Callable[[dict[str, str]], httpx.Response]


def test_maintenance_is_for_administrators_and_calls_go_on(watched: Watched) -> None:
    path = f"/availability/maintenance/{MODEL}"
    asked = {"duration_minutes": 30, "reason": "new disks"}
    routes: list[Asking] = [
        lambda headers: watched.client.post(path, json=asked, headers=headers),
        lambda headers: watched.client.delete(path, headers=headers),
        lambda headers: watched.client.post("/availability/monitoring/start", headers=headers),
        lambda headers: watched.client.post("/availability/monitoring/stop", headers=headers),
    ]
    for route in routes:
        assert route({}).status_code == 401
        assert route(watched.user).status_code == 403
    assert watched.client.delete(path, headers=watched.admin).status_code == 404
    announced = watched.client.post(path, json=asked, headers=watched.admin)
    assert announced.status_code == 200 and announced.json()["maintenance_until"]
    shown = watched.body(f"/availability/model/{MODEL}")
    assert (shown["status"], shown["available"]) == ("maintenance", False)
    assert shown["maintenance_until"] == announced.json()["maintenance_until"]
    assert watched.chat() == 200
    past = watched.client.post(path, json={"until": "2001-01-01T00:00:00Z"}, headers=watched.admin)
    assert past.status_code == 400
    assert watched.client.delete(path, headers=watched.admin).status_code == 200
    assert watched.body(f"/availability/model/{MODEL}")["status"] != "maintenance"
    nobody = watched.client.post("/availability/maintenance/no/such", json={}, headers=watched.admin)
    assert nobody.status_code == 404


def test_monitoring_cannot_be_switched_off(watched: Watched) -> None:
    started = watched.client.post("/availability/monitoring/start", headers=watched.admin)
    assert started.json()["monitoring_active"] is True
    assert watched.client.post("/availability/monitoring/stop", headers=watched.admin).status_code == 409
    assert watched.body("/availability/status")["monitoring_active"] is True
