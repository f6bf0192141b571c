"""Cases 15.1 to 15.9, and the truth of incidents: over two processes, over a restart, and without a database."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("status")
USED, SPARE, OTHER = "acme/used", "acme/spare", "acme/other"
SOON_S: Final = 15.0
CLIENT: Final = httpx.Client(headers={"connection": "close"}, timeout=20)
"""Any of the processes may take a connection, so each request is one of its own."""
PATHS: Final = (
    "/",
    "/detailed",
    "/providers",
    "/models",
    f"/models/alpha/{USED}",
    "/incidents",
    f"/uptime/alpha/{USED}",
    "/search?q=used",
    "/stats",
)


class Watched:
    """`alpha` serves three models, `beta` one of them."""

    def __init__(self, gateway: GatewayProcess, alpha: StubUpstream, beta: StubUpstream) -> None:
        self.gateway, self.alpha, self.beta = gateway, alpha, beta
        self.user = {"authorization": f"Bearer {gateway.create_user()}"}

    def chat(self, model: str, provider: str = "alpha", times: int = 1) -> list[int]:
        """Return the statuses of so many calls."""
        asked = {"model": model, "provider": provider, "messages": [{"role": "user", "content": "ping"}]}
        url = f"{self.gateway.base}/v1/chat/completions"
        return [CLIENT.post(url, json=asked, headers=self.user).status_code for _ in range(times)]

    def get(self, path: str, **query: Any) -> httpx.Response:
        return CLIENT.get(self.gateway.base + path, params=query or None)

    def body(self, path: str, **query: Any) -> Any:
        answer = self.get(f"/v1/status{path}", **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, path: str, is_so: Callable[[Any], bool]) -> Any:
        """Return the body once every process says so."""
        ends, shown = time.monotonic() + SOON_S, None
        while time.monotonic() < ends:
            shown = [self.body(path) for _ in range(6)]
            if all(map(is_so, shown)):
                return shown[0]
            time.sleep(0.1)
        raise AssertionError(f"{path} stays {shown}")


def config(alpha: StubUpstream, beta: StubUpstream, **more: Any) -> dict[str, Any]:
    price = {"input": "1", "output": "1"}
    return {
        "catalog_snapshot": False,
        "providers": {
            "alpha": {"use": "openai_compatible", "base_url": alpha.url, "api_key": "sk-alpha-secret"},
            "beta": {"use": "openai_compatible", "base_url": beta.url, "api_key": "sk-beta-secret"},
            "local": {"enabled": False},
        },
        "models": {
            USED: {"price": price, "offers": {"alpha": {}, "beta": {}}},
            SPARE: {"price": price, "offers": {"alpha": {}}},
            OTHER: {"price": price, "offers": {"alpha": {}}},
        },
        "breakers": {"recovery_s": 0.2},
        "observation": {"exchange_s": 0.3},
        "status": {"check_s": 0.2, "recover_s": 0.3},
        **more,
    }


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("status")
    with (
        stub_upstream() as alpha,
        stub_upstream() as beta,
        GatewayProcess(folder, config(alpha, beta)) as gateway,
    ):
        yield Watched(gateway, alpha, beta)


def test_15_1_before_any_call_nothing_is_claimed(watched: Watched) -> None:
    """First in this file: no call was made yet."""
    shown = watched.body("/")
    assert (shown["status"], shown["uptime_percentage"], shown["total_models"]) == ("unknown", None, 0)
    assert (shown["total_providers"], shown["active_incidents"]) == (2, 0) and shown["status_message"]
    assert watched.body("/incidents") == []
    row = watched.body(f"/models/alpha/{USED}")
    assert (row["status"], row["tier"], row["uptime_24h"], row["usage_24h"]) == ("unknown", "on_demand", None, 0)


def test_15_1_and_15_3_to_15_9_traffic_shows(watched: Watched) -> None:
    assert watched.chat(USED, times=3) == [200] * 3
    assert watched.chat(USED, "beta") + watched.chat(SPARE) == [200, 200]
    shown = watched.wait("/", lambda body: body["uptime_percentage"] == 100.0 and body["total_models"] == 3)
    assert (shown["status"], shown["healthy_models"], shown["offline_models"]) == ("operational", 3, 0)
    assert (shown["healthy_gateways"], shown["gateway_health_percentage"]) == (2, 100.0)
    alpha, beta = watched.wait("/providers", lambda body: all(each["uptime_7d"] == 100.0 for each in body))
    assert (alpha["name"], alpha["total_models"], alpha["healthy_models"], beta["gateway"]) == ("alpha", 3, 2, "beta")
    assert alpha["avg_response_time_ms"] > 0 and alpha["last_checked"]
    rows = watched.wait("/models", lambda body: body[0]["tier"] == "critical")
    assert (rows[0]["provider"], rows[0]["model_id"]) == ("alpha", USED)
    assert [row["tier"] for row in rows] == ["critical", "popular", "standard", "on_demand"]
    assert rows[0]["uptime_24h"] == rows[0]["uptime_30d"] == 100.0 and rows[0]["circuit_breaker_state"] == "CLOSED"
    one = watched.body(f"/models/alpha/{USED}")
    assert (one["consecutive_failures"], one["usage_24h"], one["is_enabled"]) == (0, 3, True)
    assert watched.body(f"/models/alpha/{USED.replace('/', '%2F')}") == one
    stats = watched.wait("/stats", lambda body: body["checks_24h"]["total"] == 5)
    assert stats["checks_24h"] == {"total": 5, "successful": 5, "failed": 0, "success_rate": 100.0}
    assert stats["monitoring"] == {
        "total_models": 4,
        "critical_tier": 1,
        "popular_tier": 1,
        "standard_tier": 1,
        "on_demand_tier": 1,
    }
    assert stats["incidents"] == {"total_all_time": 0, "active": 0, "resolved": 0}


@pytest.mark.parametrize("path", PATHS)
def test_every_route_answers_with_and_without_v1_and_slash(watched: Watched, path: str) -> None:
    bare, mark, query = path.partition("?")
    bare = bare.rstrip("/")
    first = watched.get(f"/v1/status{path}").json()
    variants = [f"/v1/status{bare}", f"/v1/status{bare}/", f"/status{bare}/"]
    variants += [f"/status{bare}"] if bare else []  # that one is the page for people
    for variant in variants:
        answer = watched.get(variant + mark + query)
        assert answer.status_code == 200, (variant, answer.text)
        shown = answer.json()
        assert type(shown) is type(first) and (isinstance(shown, list) or shown.keys() == first.keys())
        assert "secret" not in answer.text and "Traceback" not in answer.text


def test_15_2_details(watched: Watched) -> None:
    shown = watched.body("/detailed")
    assert shown["concurrency"]["active"] == 0 and shown["concurrency"]["status"] == "healthy"
    assert shown["concurrency"]["limit"] == 1000 and shown["concurrency"]["open_requests"] == 1
    assert (shown["circuit_breakers"]["total"], shown["circuit_breakers"]["open"]) == (2, 0)
    assert shown["infrastructure"] == {"database": "connected", "cache": "not_configured", "db_initialized": True}


def test_15_4_and_15_8_filters(watched: Watched) -> None:
    def named(path: str, **query: Any) -> list[tuple[str, str]]:
        return [(row["provider"], row["model_id"]) for row in watched.body(path, **query)]

    assert named("/models", provider="beta") == named("/models", gateway="BETA") == [("beta", USED)]
    assert named("/models", provider="beta", gateway="alpha") == named("/models", provider="nobody") == []
    assert named("/models", status="unknown") == [("alpha", OTHER)]
    assert named("/models", limit=2, offset=1) == named("/models")[1:3]
    assert sorted(named("/search", q="USED")) == [("alpha", USED), ("beta", USED)]
    assert named("/search", q="beta", limit=1) == [("beta", USED)]
    assert named("/search", q="no such thing") == []


def test_bad_parameters_and_unknown_models(watched: Watched) -> None:
    for path in ("/models?limit=0", "/models?limit=1001", "/models?tier=x", "/models?status=x", "/models?offset=-1"):
        assert watched.get(f"/v1/status{path}").status_code == 422, path
    for path in ("/search", "/search?q=a", "/search?q=aa&limit=101", "/incidents?limit=101", "/incidents?severity=x"):
        assert watched.get(f"/v1/status{path}").status_code == 422, path
    assert watched.get(f"/v1/status/uptime/alpha/{USED}?period=1h").status_code == 422
    for path in ("models/alpha/no/such", f"models/nobody/{USED}", f"models/beta/{SPARE}", "uptime/alpha/no/such"):
        assert watched.get(f"/v1/status/{path}").status_code == 404, path


def test_15_7_hours_and_days(watched: Watched) -> None:
    for period, count in (("24h", 24), ("7d", 168), ("30d", 30)):
        shown = watched.body(f"/uptime/alpha/{USED}", period=period)
        assert (shown["provider"], shown["model"], shown["period"]) == ("alpha", USED, period)
        points = shown["data_points"]
        assert len(points) == count and points[0]["uptime_percentage"] is None
        assert sum(point["total_checks"] for point in points) == 3
    assert watched.body(f"/uptime/alpha/{OTHER}")["data_points"][-1]["avg_response_time_ms"] is None


def test_15_6_an_outage_is_one_incident_from_its_beginning_to_its_end(watched: Watched) -> None:
    before = len(watched.alpha.seen)
    watched.alpha.fail(503, "sk-alpha-secret is out of order")
    for _ in range(4):
        assert set(watched.chat(USED) + watched.chat(SPARE)) == {503}
        time.sleep(0.25)  # the breaker lets one through again
    (shown,) = watched.wait(
        "/incidents", lambda body: [each["model"] for each in body if not each["resolved_at"]] == [None]
    )[:1]
    assert (shown["provider"], shown["gateway"], shown["type"]) == ("alpha", "alpha", "provider_outage")
    assert (shown["severity"], shown["status"], shown["resolved_at"]) == ("critical", "active", None)
    assert "secret" not in str(shown) and shown["error_message"] == "PROVIDER_UNAVAILABLE"
    failed = len(watched.alpha.seen) - before
    watched.wait("/incidents", lambda body: body[0]["error_count"] == failed)
    whole = watched.wait("/", lambda body: (body["uptime_percentage"] or 100.0) < 100.0)
    assert (whole["status"], whole["offline_models"], whole["active_incidents"]) == ("major_outage", 2, 1)
    assert whole["uptime_percentage"] == 500 * 100 // (5 + failed) / 100
    alpha, beta = watched.body("/providers")
    assert (alpha["status"], beta["status"]) == ("major_outage", "operational")
    row = watched.body(f"/models/alpha/{USED}")
    assert (row["status"], row["active_incidents"]) == ("offline", 1) and row["uptime_24h"] < 100.0

    watched.alpha.recover()
    time.sleep(0.3)
    ends = time.monotonic() + SOON_S
    while set(watched.chat(USED, times=2) + watched.chat(SPARE, times=2)) != {200}:
        assert time.monotonic() < ends, "the breaker stays open"
        time.sleep(0.1)
    watched.chat(USED, times=failed)
    watched.chat(SPARE, times=failed)
    ended = watched.wait("/incidents", lambda body: all(each["resolved_at"] for each in body))
    (over,) = [each for each in ended if each["id"] == shown["id"]]
    assert (over["status"], over["error_count"]) == ("resolved", failed)
    assert over["duration_seconds"] >= 1 and over["duration_human"].endswith("s")
    assert watched.body("/")["status"] == "operational"
    assert watched.body("/incidents", status="active") == watched.body("/incidents", provider="beta") == []
    assert watched.body("/incidents", severity="critical", status="resolved")[-1] == over


def test_people_annotate_and_end_incidents(watched: Watched) -> None:
    admin = {"authorization": f"Bearer {watched.gateway.create_user('admin@example.com', '--role', 'admin')}"}
    watched.beta.fail(500)
    watched.chat(USED, "beta", times=3)
    shown = watched.wait("/incidents?provider=beta", lambda body: len(body) == 1)[0]
    url = f"{watched.gateway.base}/v1/status/incidents/{shown['id']}"
    notes = {"resolution_notes": "Their data centre burns."}
    for headers, status in (({}, 401), (watched.user, 403)):
        assert CLIENT.patch(url, json=notes, headers=headers).status_code == status
        assert CLIENT.post(f"{url}/resolve", json=notes, headers=headers).status_code == status
    noted = CLIENT.patch(url, json=notes, headers=admin)
    assert noted.status_code == 200 and noted.json()["resolution_notes"] == notes["resolution_notes"]
    done = CLIENT.post(f"{url}/resolve", headers=admin)
    assert done.status_code == 200 and done.json()["status"] == "resolved"
    assert done.json()["resolution_notes"] == notes["resolution_notes"]
    assert CLIENT.post(f"{url}/resolve", headers=admin).status_code == 409
    assert CLIENT.post(f"{url[:-1]}999/resolve", headers=admin).status_code == 404
    assert CLIENT.patch(url, json={"resolution_notes": ""}, headers=admin).status_code == 422
    time.sleep(0.7)
    assert len(watched.body("/incidents", provider="beta")) == 1
    watched.chat(USED, "beta")
    watched.wait("/incidents?provider=beta", lambda body: len(body) == 2)


def test_incidents_outlive_a_restart_and_are_the_same_in_all_processes(watched: Watched) -> None:
    """Goes on from the outage of the test before; the last one of this gateway."""
    (before,) = watched.body("/incidents", status="active")
    assert watched.gateway.stop() == 0
    again = yaml.safe_load(watched.gateway.path.read_text())
    with GatewayProcess(watched.gateway.folder, again, workers=2) as gateway:
        one = Watched.__new__(Watched)
        one.gateway, one.user = gateway, watched.user
        (after,) = one.wait("/incidents?status=active", lambda body: len(body) == 1)
        assert (after["id"], after["started_at"]) == (before["id"], before["started_at"])
        watched.beta.recover()
        assert 200 in one.chat(USED, "beta", times=12)
        one.wait("/incidents?status=active", lambda body: body == [])


def test_without_its_database_every_route_answers(tmp_path: Path) -> None:
    url = postgres_url()
    with (
        stub_upstream() as alpha,
        stub_upstream() as beta,
        GatewayProcess(tmp_path, config(alpha, beta, store={"url": url})) as gateway,
    ):
        one = Watched(gateway, alpha, beta)
        assert one.chat(SPARE) == [200]
        alpha.fail(503)
        one.chat(USED, times=3)
        one.wait("/", lambda body: body["active_incidents"] == 1)
        with without_database(url):
            time.sleep(0.5)
            for path in PATHS:
                answer = one.get(f"/v1/status{path}")
                assert answer.status_code == 200, (path, answer.text)
            shown = one.wait("/", lambda body: body["uptime_percentage"] is None)
            assert (shown["status"], shown["active_incidents"]) == ("major_outage", 1)
            assert one.body("/detailed")["infrastructure"]["database"] == "unavailable"
            assert [each["provider"] for each in one.body("/incidents")] == ["alpha"]
            assert one.body("/stats")["incidents"]["total_all_time"] is None
            assert one.body(f"/models/alpha/{USED}")["uptime_24h"] is None
            assert one.get("/v1/status/models/alpha/no/such").status_code == 404
        one.wait("/", lambda body: body["uptime_percentage"] is not None)
