"""Health checks look on a clock, once for all processes, and what they see is shown over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Seen, StubUpstream, stub_upstream

MODEL = "openai/gpt-4o"
SECRET = "sk-management-canary"
_FAST = {"interval_s": 0.4, "deadline_s": 2}


class Upstream:
    """A provider with a model list and a balance."""

    def __init__(self, stub: StubUpstream) -> None:
        self.stub, self.balance = stub, "10.5"
        self.recover()

    def recover(self) -> None:
        self.stub.behave = self._answer

    def _answer(self, seen: Seen) -> Any:
        body: Any = None
        if seen.path.endswith("/models"):
            body = {"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]}
        elif seen.path.endswith("/user/balance"):
            body = {"balance_infos": [{"total_balance": self.balance}]}
        elif seen.path.endswith("/credits"):
            body = {"data": {"total_credits": 100, "total_usage": 100}}
        return None if body is None else (200, {"content-type": "application/json"}, [msgspec.json.encode(body)])


class Watched:
    def __init__(self, client: httpx.Client, upstream: Upstream) -> None:
        self.client, self.upstream = client, upstream

    def component(self, name: str) -> Any:
        shown = self.client.get("/health/components")
        assert shown.status_code == 200 and SECRET not in shown.text, shown.text
        return next((each for each in shown.json()["components"] if each["name"] == name), None)

    def until(self, name: str, state: str) -> Any:
        ends = time.monotonic() + 12
        while (shown := self.component(name))["state"] != state and time.monotonic() < ends:
            time.sleep(0.1)
        assert shown["state"] == state, shown
        return shown


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("checks")
    with stub_upstream() as stub:
        upstream = Upstream(stub)
        balance = {"use": "upstream_credits", "provider": "openai", "api_key": SECRET, **_FAST}
        config: dict[str, Any] = {
            "plugins": ["providers.*", "routers.*", "billing.*", "health.*"],
            "providers": {"openai": {"base_url": stub.url, "api_key": "sk-up"}, "local": {"enabled": False}},
            "health": {
                "database": {"interval_s": 0.4},
                "disk": {"interval_s": 0.4},
                "full_disk": {"use": "disk", "low_mb": 10**9, "full_mb": 10**9, **_FAST},
                "list": {"use": "http_probe", "provider": "openai", **_FAST},
                "page": {"use": "http_probe", "url": f"{stub.url}/models", **_FAST},
                "answers": {
                    "use": "completion_probe",
                    "provider": "openai",
                    "model": MODEL,
                    "costs_money": True,
                    **_FAST,
                },
                "never": {"use": "completion_probe", "provider": "openai", "model": MODEL, **_FAST},
                "left": {**balance, "url": f"{stub.url}/user/balance", "total": "balance_infos.0.total_balance"},
                "spent": {
                    **balance,
                    "url": f"{stub.url}/credits",
                    "total": "data.total_credits",
                    "used": "data.total_usage",
                },
                "strange": {**balance, "url": f"{stub.url}/credits", "total": "nothing.here"},
            },
        }
        with (
            GatewayProcess(folder, config) as gateway,
            httpx.Client(base_url=gateway.base, timeout=20) as client,
        ):
            yield Watched(client, upstream)


def test_checks_see_what_is_there(watched: Watched) -> None:
    assert watched.until("database", "up")["latency_ms"] > 0
    disk = watched.until("disk", "up")
    assert disk["place"].startswith("machine-") and disk["facts"]["free_mb"] > 0
    assert watched.until("full_disk", "down")["detail"].endswith("MB are left")
    assert watched.until("list", "up")["provider"] == "openai"
    gateway = watched.client.get("/health/openai").json()["data"]
    assert (gateway["endpoint_check"], gateway["status"]) == ("up", "healthy")
    watched.until("page", "up")
    watched.until("left", "up")
    assert watched.until("spent", "down")["detail"] == "the balance is used up"
    assert watched.until("strange", "degraded")["facts"] == {}
    assert watched.component("never") is None and watched.component("openrouter_credits") is None
    whole = watched.client.get("/health").json()
    assert whole["status"] == "degraded" and whole["components"]["left"] == "up"


def test_a_balance_that_runs_low_is_seen_and_not_shown(watched: Watched) -> None:
    watched.upstream.balance = "4.99"
    low = watched.until("left", "degraded")
    assert low["detail"] == "the balance is low" and "4.99" not in str(low) and low["failures"] >= 1
    watched.upstream.balance = "5"
    assert watched.until("left", "up")["failures"] == 0


def test_a_probe_that_fails_is_a_probe_in_the_record_of_traffic(watched: Watched) -> None:
    watched.until("answers", "up")
    ends = time.monotonic() + 8
    while (shown := watched.client.get(f"/health/model/{MODEL}").json())["status"] == "unknown":
        assert time.monotonic() < ends, shown
        time.sleep(0.1)
    assert shown["total_requests"] == 0 and shown["success_rate"] == 1.0, "a probe is no request"
    watched.upstream.stub.fail(503)
    down = watched.until("answers", "down")
    assert down["detail"].startswith("no good answer") and "stub says no" not in str(down)
    assert watched.until("list", "down")["failures"] >= 1
    ends = time.monotonic() + 10
    while (shown := watched.client.get(f"/health/model/{MODEL}").json())["status"] != "unhealthy":
        assert time.monotonic() < ends, shown
        time.sleep(0.1)
    watched.upstream.recover()
    watched.until("answers", "up")
