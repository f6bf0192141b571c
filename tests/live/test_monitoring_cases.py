"""Cases 13.6 to 13.12, 14.1 and 14.2: what is said of providers, models and work under way, from real traffic."""

import itertools
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database
from tests.fakes.stub_upstream import Seen, stub_upstream

pytestmark = pytest.mark.xdist_group("monitoring")
GOOD, BAD = "acme/good", "acme/bad"
CALLS, FAILED = 6, 5
COST = CALLS * (9 * 1 + 2 * 3) / 1_000_000
SOON_S = 15.0


class Running(NamedTuple):
    gateway: GatewayProcess
    key: str

    def ask(self, model: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "ping"}]}
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.gateway.base}/v1/chat/completions", json=body, headers=headers, timeout=20)

    def get(self, path: str, status: int = 200) -> Any:
        reply = httpx.get(self.gateway.base + path, timeout=20)
        assert reply.status_code == status, reply.text
        return reply.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        reply = httpx.post(f"{self.gateway.base}/prometheus/datasource{path}", json=body, timeout=20)
        assert reply.status_code == status, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway after six good calls to one provider and five failures at another."""
    with stub_upstream() as good, stub_upstream() as bad:
        bad.fail(500)
        stub = {"use": "openai_compatible", "api_key": "k"}
        config: dict[str, Any] = {
            "providers": {
                "well": {**stub, "base_url": good.url},
                "ill": {**stub, "base_url": bad.url},
                "quiet": {**stub, "base_url": good.url},
                "local": {"enabled": False},
            },
            "models": {
                GOOD: {"price": {"input": "1", "output": "3"}, "offers": {"well": {}}},
                BAD: {"price": {"input": "1", "output": "3"}, "offers": {"ill": {}}},
            },
            "access": {"metrics": "public"},
            "server": {"max_concurrent_requests": 4},
        }
        with GatewayProcess(tmp_path_factory.mktemp("monitoring"), config) as gateway:
            made = Running(gateway, gateway.create_user())
            for _ in range(CALLS):
                assert made.ask(GOOD).status_code == 200
            for _ in range(FAILED):
                assert made.ask(BAD).status_code >= 500
            yield made


def test_13_6_scores_of_providers(running: Running) -> None:
    rows = {row["provider"]: row for row in running.get("/api/monitoring/health")}
    assert (rows["well"]["health_score"], rows["well"]["status"]) == (100, "healthy")
    assert (rows["ill"]["health_score"], rows["ill"]["status"]) == (100 - 5 * FAILED, "degraded")
    assert (rows["quiet"]["health_score"], rows["quiet"]["status"]) == (None, "unknown")
    assert rows["well"]["last_updated"] and rows["quiet"]["last_updated"] is None
    assert running.get("/api/monitoring/health/ill") == rows["ill"]
    running.get("/api/monitoring/health/nobody", 404)


def test_13_7_realtime(running: Running) -> None:
    stats = running.get("/api/monitoring/stats/realtime?hours=2")
    assert stats["total_requests"] == CALLS + FAILED and stats["total_cost"] == pytest.approx(COST)
    assert stats["providers"]["well"]["total_requests"] == CALLS
    assert sum(hour["total_requests"] for hour in stats["providers"]["ill"]["hourly_breakdown"]) == FAILED
    assert stats["avg_health_score"] == (100 + 100 - 5 * FAILED) / 2 and stats["is_whole"]
    for hours in (0, 25):
        running.get(f"/api/monitoring/stats/realtime?hours={hours}", 422)


def test_13_8_error_rates(running: Running) -> None:
    answer = running.get("/api/monitoring/error-rates?hours=24")
    assert answer["hours"] == 24 and set(answer["models"]) == {GOOD, BAD}
    assert answer["models"][GOOD]["error_rate"] == 0 and answer["models"][GOOD]["total_requests"] == CALLS
    bad = answer["models"][BAD]
    assert (bad["total_requests"], bad["failed_requests"], bad["error_rate"]) == (FAILED, FAILED, 1)
    assert bad["providers"]["ill"]["failed_requests"] == FAILED
    running.get("/api/monitoring/error-rates?hours=169", 422)


def test_13_9_cost_analysis(running: Running) -> None:
    answer = running.get("/api/monitoring/cost-analysis?days=7")
    assert answer["period_days"] == 7 and answer["total_requests"] == CALLS + FAILED
    assert answer["providers"]["well"]["cost_per_request"] == pytest.approx(COST / CALLS)
    assert answer["providers"]["ill"]["total_cost"] == 0 and answer["total_cost"] == pytest.approx(COST)
    assert datetime.fromisoformat(answer["end_date"]) - datetime.fromisoformat(answer["start_date"]) == timedelta(7)
    running.get("/api/monitoring/cost-analysis?days=91", 422)


def test_13_10_an_outage_is_an_anomaly(running: Running) -> None:
    answer = running.get("/api/monitoring/anomalies")
    assert answer["total_count"] == len(answer["anomalies"]) == answer["critical_count"] + answer["warning_count"]
    (found,) = answer["anomalies"]
    assert (found["type"], found["provider"], found["severity"]) == ("high_error_rate", "ill", "critical")
    assert found["value"] == 1


def grafana_query(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What Grafana's JSON data source sends for a panel over the last six hours."""
    now = datetime.now(UTC)
    raw = {"from": "now-6h", "to": "now"}
    return {
        "app": "dashboard",
        "requestId": "Q100",
        "timezone": "browser",
        "panelId": 1,
        "dashboardId": 3,
        "range": {"from": stamp(now - timedelta(hours=6)), "to": stamp(now), "raw": raw},
        "rangeRaw": raw,
        "interval": "30s",
        "intervalMs": 30000,
        "maxDataPoints": 550,
        "scopedVars": {"__interval": {"text": "30s", "value": "30s"}},
        "startTime": int(now.timestamp() * 1000),
        "targets": [{"refId": chr(65 + at), "type": "timeseries", **target} for at, target in enumerate(targets)],
        "adhocFilters": [],
        **more,
    }


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_13_12_the_data_source_answers_its_test(running: Running) -> None:
    for path in ("/prometheus/datasource", "/prometheus/datasource/"):
        assert running.get(path)["status"] == "ok"


def test_13_12_series_over_time(running: Running) -> None:
    names = running.post("/search", {"target": ""})
    assert [each["value"] for each in running.post("/metrics", {})] == names
    assert running.post("/search", {"target": "latency"}) == ["avg_latency_ms"]
    body = grafana_query(*({"target": name, "payload": {}} for name in names))
    found = {row["target"]: row for row in running.post("/query", body)}
    assert list(found) == names and [row["refId"] for row in found.values()] == ["A", "B", "C", "D", "E", "F"]
    sums = {name: sum(value for value, _ in row["datapoints"]) for name, row in found.items()}
    assert sums["total_requests"] == CALLS + FAILED and sums["total_cost"] == pytest.approx(COST)
    points = found["total_requests"]["datapoints"]
    # Six hours at no more than 550 points: one a minute.
    assert 360 <= len(points) <= 362 and {b[1] - a[1] for a, b in itertools.pairwise(points)} == {60_000}
    assert points[-1][1] <= time.time() * 1000 < points[-1][1] + 120_000
    for name in ("error_rate", "avg_latency_ms", "avg_health_score"):
        assert 1 <= len(found[name]["datapoints"]) <= 2, "a minute without traffic has no value"
    assert found["avg_latency_ms"]["datapoints"][0][0] > 0
    assert len(found["active_requests"]["datapoints"]) == 1


def test_13_12_longer_intervals_narrower_ranges_and_tables(running: Running) -> None:
    total = {"target": "total_requests"}
    coarse = running.post("/query", grafana_query(total, intervalMs=3_600_000, maxDataPoints=12))[0]["datapoints"]
    assert 6 <= len(coarse) <= 7 and sum(value for value, _ in coarse) == CALLS + FAILED
    now = datetime.now(UTC)
    past = {"from": stamp(now - timedelta(hours=6)), "to": stamp(now - timedelta(hours=1))}
    assert sum(value for value, _ in running.post("/query", grafana_query(total, range=past))[0]["datapoints"]) == 0
    (table,) = running.post("/query", grafana_query({**total, "type": "table"}))
    assert [column["type"] for column in table["columns"]] == ["time", "number"]
    assert sum(row[1] for row in table["rows"]) == CALLS + FAILED


def test_13_12_filters(running: Running) -> None:
    assert [each["text"] for each in running.post("/tag-keys", {})] == ["provider", "model"]
    assert [each["text"] for each in running.post("/tag-values", {"key": "model"})] == [BAD, GOOD]
    values = running.post("/variable", {"payload": {"target": "providers"}, "range": {}})
    assert [each["__value"] for each in values] == ["ill", "well"]
    for key, operator, value, expected in (
        ("provider", "=", "well", CALLS),
        ("provider", "!=", "well", FAILED),
        ("model", "=", BAD, FAILED),
    ):
        filters = [{"key": key, "operator": operator, "value": value}]
        (row,) = running.post("/query", grafana_query({"target": "total_requests"}, adhocFilters=filters))
        assert sum(value for value, _ in row["datapoints"]) == expected
    running.post("/tag-values", {"key": "city"}, 400)
    filters = [{"key": "city", "operator": "=", "value": "x"}]
    running.post("/query", grafana_query({"target": "total_requests"}, adhocFilters=filters), 400)


def test_13_12_annotations(running: Running) -> None:
    asked = {"name": "outages", "datasource": "gatewayz", "enable": True, "iconColor": "red", "query": "ill"}
    body = {**grafana_query(), "annotation": asked, "variables": {}}
    (found,) = running.post("/annotations", body)
    assert found["annotation"] == asked and found["tags"] == ["high_error_rate", "ill", "critical"]
    assert found["time"] <= time.time() * 1000 and found["timeEnd"] - found["time"] == 3_600_000
    assert running.post("/annotations", {**body, "annotation": {**asked, "query": "well"}}) == []


def test_13_12_bad_queries_are_refused_and_new_panels_are_empty(running: Running) -> None:
    assert running.post("/query", grafana_query({"target": ""})) == []
    running.post("/query", grafana_query({"target": "no_such_series"}), 400)
    now = stamp(datetime.now(UTC))
    running.post("/query", grafana_query({"target": "error_rate"}, range={"from": now, "to": now}), 400)
    running.post("/query", {"targets": []}, 422)


def test_14_1_work_under_way(running: Running) -> None:
    idle = running.get("/api/diagnostics/concurrency")
    assert (idle["active_requests"], idle["concurrency_limit"], idle["available_slots"]) == (0, 4, 4)
    assert (idle["status"], idle["utilization_percent"], idle["rejected_requests"]) == ("healthy", 0, 0)


def test_14_1_real_work_is_seen_and_refused_work_counted(tmp_path_factory: pytest.TempPathFactory) -> None:
    with stub_upstream() as upstream:
        upstream.behave = held
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {GOOD: {"price": {"input": "1", "output": "3"}, "offers": {"stub": {}}}},
            "access": {"metrics": "public"},
            "server": {"max_concurrent_requests": 2},
        }
        with GatewayProcess(tmp_path_factory.mktemp("busy"), config) as gateway:
            running = Running(gateway, gateway.create_user())
            sent = [_begin(running) for _ in range(2)]
            until = time.monotonic() + SOON_S
            while (busy := running.get("/api/diagnostics/concurrency"))["active_requests"] < 2:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert (busy["status"], busy["utilization_percent"], busy["available_slots"]) == ("critical", 100, 0)
            assert running.ask(GOOD).status_code == 503
            assert running.get("/api/diagnostics/concurrency")["rejected_requests"] == 1
            for client in sent:
                client.close()
            while running.get("/api/diagnostics/concurrency")["active_requests"]:
                assert time.monotonic() < until
                time.sleep(0.05)


def held(seen: Seen) -> tuple[int, dict[str, str], list[bytes | float]]:
    """Never answer in the time of a test."""
    return 200, {}, [30.0]


def _begin(running: Running) -> Any:
    """Send a call and do not wait for its answer."""
    body = f'{{"model":"{GOOD}","messages":[{{"role":"user","content":"x"}}]}}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    client = socket.create_connection(("127.0.0.1", running.gateway.port), timeout=10)
    client.sendall((head + body).encode())
    return client


def test_14_2_provider_timing(running: Running) -> None:
    timing = running.get("/api/diagnostics/provider-timing")
    assert timing["metrics_available"] and timing["slow_request_counts"] == {} and timing["is_whole"]
    assert set(timing["thresholds"]) == {"slow", "very_slow"}


def test_without_a_database_what_memory_has_is_told(tmp_path: Path) -> None:
    url = postgres_url()
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {GOOD: {"price": {"input": "1", "output": "3"}, "offers": {"stub": {}}}},
            "access": {"metrics": "public"},
            "store": {"url": url},
        }
        with GatewayProcess(tmp_path, config) as gateway:
            running = Running(gateway, gateway.create_user())
            assert running.ask(GOOD).status_code == 200
            with without_database(url):
                metrics = httpx.get(f"{gateway.base}/metrics", timeout=20)
                assert metrics.status_code == 200 and "\ndatabase_up 0\n" in metrics.text
                assert f'gatewayz_attempts_total{{provider="stub",model="{GOOD}",outcome="success"}} 1' in metrics.text
                assert running.get("/api/metrics/status")["database_available"] is False
                assert running.get("/api/metrics/health")["status"] == "degraded"
                for path in ("stats/realtime", "cost-analysis"):
                    answer = running.get(f"/api/monitoring/{path}")
                    assert (answer["total_requests"], answer["is_whole"]) == (1, False)
                assert running.get("/api/monitoring/error-rates")["models"][GOOD]["total_requests"] == 1
                assert running.get("/api/monitoring/health/stub")["health_score"] == 100
                (row,) = running.post("/query", grafana_query({"target": "total_requests"}))
                assert sum(value for value, _ in row["datapoints"]) == 1
                for path in ("monitoring/anomalies", "diagnostics/provider-timing", "diagnostics/concurrency"):
                    running.get(f"/api/{path}")
