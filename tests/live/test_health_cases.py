"""The numbered acceptance cases of health: traffic, outages and a lost database show up over HTTP, always with 200."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "openai/gpt-4o"
SYSTEM_PAGES = (
    "",
    "/quick",
    "/railway",
    "/system",
    "/database",
    "/all",
    "/summary",
    "/uptime",
    "/insights",
    "/dashboard",
)
OTHER_PAGES = (
    "/providers",
    "/providers/stats",
    "/provider/openai",
    "/models",
    "/models/stats",
    f"/model/{MODEL}",
    "/gateways",
    "/gateways/dashboard/data",
    "/openai",
)
UPTIME_PAGES = ("/providers/uptime", "/models/uptime", "/gateways/uptime")


class Watched:
    """A gateway with two providers of one model."""

    def __init__(
        self, gateway: GatewayProcess, client: httpx.Client, openai: StubUpstream, other: StubUpstream
    ) -> None:
        self.client, self.openai, self.openrouter = client, openai, other
        self.user = {"authorization": f"Bearer {gateway.create_user()}"}

    def chat(self, **fields: Any) -> int:
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], **fields}
        return self.client.post("/v1/chat/completions", json=asked, headers=self.user).status_code

    def body(self, path: str, **query: Any) -> Any:
        reply = self.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def until(self, path: str, **expected: Any) -> Any:
        """Ask until the answer says so: what was read is shown again for a second or two."""
        ends = time.monotonic() + 6
        while True:
            shown = self.body(path)
            if expected.items() <= shown.items() or time.monotonic() > ends:
                assert expected.items() <= shown.items(), shown
                return shown
            time.sleep(0.1)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("health")
    with (
        stub_upstream() as openai,
        stub_upstream() as openrouter,
        GatewayProcess(folder, _config(openai, openrouter)) as gateway,
        httpx.Client(base_url=gateway.base, timeout=20) as client,
    ):
        yield Watched(gateway, client, openai, openrouter)


def _config(openai: StubUpstream, openrouter: StubUpstream) -> dict[str, Any]:
    return {
        "providers": {
            "openai": {"base_url": openai.url, "api_key": "sk-openai-upstream"},
            "openrouter": {"base_url": openrouter.url, "api_key": "sk-or-upstream"},
            "local": {"enabled": False},
        }
    }


def test_1_1_the_root_page_lists_what_is_there(watched: Watched) -> None:
    shown = watched.body("/")
    assert shown["name"] == "Gatewayz Inference API" and shown["version"] and shown["status"] == "active"
    assert shown["documentation"] == {"swagger_ui": "/docs", "redoc": "/redoc", "openapi_spec": "/openapi.json"}
    listed = {entry for names in shown["endpoints"].values() for entry in names}
    document = watched.body("/openapi.json")["paths"]
    assert listed == {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}
    assert "GET /health/{gateway}" in shown["endpoints"]["public"]
    assert "POST /v1/chat/completions" in shown["endpoints"]["protected"]
    assert "GET /admin/users" in shown["endpoints"]["admin"]
    assert "failover between providers" in shown["features"] and shown["model_endpoint_features"]


def test_1_2_and_1_3_each_ping_counts(watched: Watched) -> None:
    before = watched.body("/ping/stats")
    with ThreadPoolExecutor(8) as threads:
        counts = sorted(threads.map(lambda _: watched.body("/ping")["count"], range(20)))
    assert counts == list(range(before["total_pings"] + 1, before["total_pings"] + 21))
    shown = watched.body("/ping")
    assert (shown["message"], shown["pong"]) == ("pong", True) and shown["uptime_seconds"] > 0 and shown["uptime"]
    stats = watched.body("/ping/stats")
    assert stats["total_pings"] == counts[-1] + 1 and stats["cached"] is False
    assert stats["created_at"] <= stats["last_ping_at"] <= stats["timestamp"]


def test_12_1_before_any_call_nothing_is_claimed(watched: Watched) -> None:
    """First of the health tests: no call was made yet."""
    for page in (*SYSTEM_PAGES, *OTHER_PAGES, *UPTIME_PAGES):
        watched.body(f"/health{page}")
    system = watched.body("/health/system")
    assert (system["overall_status"], system["system_uptime"], system["tracked_models"]) == ("unknown", None, 0)
    assert watched.body("/health/railway")["status"] == "warming_up"
    assert watched.body("/health/insights")["status"] == "unknown"
    uptime = watched.body("/health/uptime")
    assert (uptime["status"], uptime["uptime_percentage"], uptime["total_requests"]) == ("unknown", None, 0)
    provider = watched.body("/health/provider/groq")
    assert (provider["status"], provider["health_score"], provider["is_configured"]) == ("unknown", None, False)
    assert watched.body(f"/health/model/{MODEL}")["status"] == "unknown"
    gateways = watched.body("/health/gateways")["data"]
    assert (gateways["openai"]["status"], gateways["groq"]["status"]) == ("unknown", "unconfigured")


def test_12_2_and_12_3_traffic_shows_up(watched: Watched) -> None:
    for _ in range(4):
        assert watched.chat() == 200
    uptime = watched.until("/health/uptime", total_requests=4)
    assert (uptime["status"], uptime["uptime_percentage"]) == ("operational", 100.0)
    assert (uptime["successful_requests"], uptime["failed_requests"]) == (4, 0)
    provider = watched.until("/health/provider/openai", total_requests=4)
    assert (provider["status"], provider["health_score"], provider["total_requests"]) == ("online", 100, 4)
    assert (provider["overall_uptime"], provider["healthy_models"]) == (100.0, 1) and provider["total_models"] > 1
    model = watched.body(f"/health/model/{MODEL}")
    assert (model["status"], model["success_rate"], model["total_requests"]) == ("healthy", 1.0, 4)
    assert model["avg_response_time_ms"] > 0 and model["last_success"] == model["last_checked"]
    assert watched.body(f"/health/model/{MODEL.replace('/', '%2F')}")["model_id"] == MODEL
    listed = watched.body("/health/models", provider="openai", status="healthy")
    assert [(each["provider"], each["model_id"]) for each in listed["models"]] == [("openai", MODEL)]
    assert listed["data"] == listed["models"] and listed["total_models"] == 1
    assert watched.body("/health/models", gateway="openrouter")["models"] == []
    scores = watched.body("/health/summary")["scores"]
    assert (scores["openai"], scores["openrouter"]) == (100, None)
    for what in ("providers", "models", "gateways"):
        for bucket, minutes in (("1h", 60), ("5m", 5)):
            (shown,) = watched.body(f"/health/{what}/uptime", period="24h", bucket=bucket)[what]
            assert (shown["provider"], shown["uptime_percentage"], shown["period_label"]) == ("openai", 100.0, "24h")
            assert {each["duration_minutes"] for each in shown["samples"]} == {minutes}
            assert {each["status"] for each in shown["samples"]} == {"operational"}


def test_12_1_4_figures_of_the_process_are_measured(watched: Watched) -> None:
    shown = watched.body("/health/system")
    assert 20 < shown["memory"]["rss_mb"] < 4000 and 0 < shown["memory"]["percent"] < 100
    assert shown["cpu"]["percent"] >= 0 and len(shown["cpu"]["load"]) == 3
    assert shown["connections"]["active"] >= 1 and shown["connections"]["open_files"] > 5


def test_12_4_an_outage_is_seen_everywhere_and_ends(watched: Watched) -> None:
    before = watched.body("/health/provider/openai")["health_score"]
    watched.openai.fail(500)
    for _ in range(6):
        assert watched.chat() == 200
    broken = watched.until("/health/provider/openai", status="offline", error_count=5)
    assert broken["circuit_breaker_state"] == "OPEN"
    assert before - 25 <= broken["health_score"] < before and broken["error_message"]
    assert broken["unhealthy_models"] == 1
    gateways = watched.body("/health/gateways")
    assert (gateways["data"]["openai"]["status"], gateways["data"]["openai"]["available"]) == ("unhealthy", False)
    assert gateways["data"]["openrouter"]["status"] == "healthy"
    assert gateways["summary"]["overall_health_percentage"] == 50.0
    assert watched.body("/health/openai")["data"]["cache"]["has_data"] is True
    data = watched.body("/health/gateways/dashboard/data", auto_fix="true")
    assert (data["auto_fix"], data["summary"]["unhealthy"], data["summary"]["auto_fixed"]) == (False, 1, 0)
    system = watched.body("/health/system")
    assert (system["overall_status"], system["unhealthy_providers"], system["healthy_providers"]) == ("unhealthy", 1, 1)
    assert watched.body("/health/railway")["status"] == "degraded"
    insights = watched.body("/health/insights")
    assert [each["provider"] for each in insights["problematic_providers"]] == ["openai"]
    assert insights["unhealthy_models_by_provider"]["openai"][0]["model_id"] == MODEL
    assert insights["recommendations"][0]["priority"] == "CRITICAL"
    assert insights["overall_health"]["health_percentage"] == "50.0%"
    whole = watched.body("/health/uptime")
    assert (whole["status"], whole["uptime_percentage"]) == ("outage", 100.0), "the other provider answered them all"
    watched.openai.recover()
    watched.client.post("/circuit-breakers/reset-all").raise_for_status()
    for _ in range(30):
        assert watched.chat() == 200
    mended = watched.until("/health/provider/openai", health_score=100)
    assert mended["status"] == "degraded", "a tenth of the last quarter of an hour failed"
    assert watched.body("/health/all")["providers"]["unhealthy"] == 0


def test_fixed_paths_come_first_and_strange_names_are_404(watched: Watched) -> None:
    assert "providers" in watched.body("/health/providers") and "gateway" not in watched.body("/health/database")
    for path in ("/nobody", "/provider/nobody", "/model/no/such", "/model/%00", "/gateways/nothing"):
        assert watched.client.get(f"/health{path}").status_code == 404, path
    assert watched.body("/health/OPENAI")["gateway"] == "openai"
    bad = (("/providers/uptime", "period", "1y"), ("/models/uptime", "bucket", "2h"), ("/models", "status", "well"))
    for path, name, value in bad:
        refused = watched.client.get(f"/health{path}", params={name: value})
        assert refused.status_code == 422 and refused.json()["error"]["param"] == name, path
    assert watched.client.get("/health/providers", params={"gateway": "nobody"}).status_code == 400


def test_25_20_health_answers_without_a_database(tmp_path: Path) -> None:
    url = postgres_url()
    with stub_upstream() as openai, stub_upstream() as openrouter:
        config = {**_config(openai, openrouter), "store": {"url": url}}
        with GatewayProcess(tmp_path, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            watched = Watched(gateway, client, openai, openrouter)
            assert watched.chat() == 200
            assert watched.body("/health")["database"] == "connected"
            with without_database(url):
                _says_so(watched)
            watched.until("/health", status="healthy")
            assert watched.body("/health/database")["retry_count"] == 0
            assert watched.body("/readyz") == {"status": "ready"}


def _says_so(watched: Watched) -> None:
    main = watched.until("/health", database="unavailable")
    assert (main["status"], main["mode"]) == ("degraded", "degraded")
    assert main["database_error"] and "postgres" not in main["database_error"].lower()
    database = watched.body("/health/database")
    assert (database["status"], database["connection"], database["latency_ms"]) == ("unhealthy", "failed", None)
    assert database["retry_count"] >= 1
    railway = watched.body("/health/railway")
    assert (railway["status"], railway["database"]) == ("degraded", "unavailable")
    whole = watched.body("/health/all")
    assert (whole["status"], whole["database"]["status"]) == ("degraded", "unavailable")
    assert watched.body("/health/uptime")["total_requests"] == 1, "the last hour is in memory"
    for page in (*SYSTEM_PAGES, *OTHER_PAGES):
        watched.body(f"/health{page}")
    for page in UPTIME_PAGES:
        assert watched.body(f"/health{page}")["success"] is False
    shown = watched.body("/v1/status/")
    assert shown["status"] in ("degraded", "major_outage") and "database" in shown["status_message"]
    assert watched.client.get("/readyz").status_code == 503 and watched.client.get("/livez").status_code == 200
