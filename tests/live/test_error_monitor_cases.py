"""Section 17 over HTTP: what providers and the database do wrong shows as patterns, counted over two processes."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("error_monitor")
MODEL = "acme/stub"
MESSAGES = [{"role": "user", "content": "a private question"}]
SOON_S = 30.0
BASE = "/error-monitor"
SECRET = "sk-abcdefghijklmnopqrstuvwxyz0123456789"


class Place(NamedTuple):
    gateway: GatewayProcess
    upstream: StubUpstream
    url: str
    user: dict[str, str]
    admin: dict[str, str]

    def ask(self) -> httpx.Response:
        """Call on a connection of its own: any of the processes may take it."""
        body = {"model": MODEL, "messages": MESSAGES}
        url = f"{self.gateway.base}/v1/chat/completions"
        return httpx.post(url, json=body, headers=self.user, timeout=30)

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        answer = httpx.get(self.gateway.base + path, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.text and "private question" not in answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def find(self, error_type: str, **headers: str) -> list[dict[str, Any]]:
        path = "/admin/error-monitor/patterns" if headers else f"{BASE}/errors/patterns"
        return [each for each in self.get(path, **headers)["patterns"] if each["error_type"] == error_type]

    def wait(self, error_type: str, is_so: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Return the patterns of a type once every process tells them so."""
        end, found = time.monotonic() + SOON_S, []
        while time.monotonic() < end:
            looks = [self.find(error_type) for _ in range(6)]
            found = looks[-1]
            if all(map(is_so, looks)):
                return found
            time.sleep(0.2)
        raise AssertionError(f"told: {found}")

    def reset(self) -> None:
        self.upstream.recover()
        httpx.post(f"{self.gateway.base}/circuit-breakers/reset-all", timeout=30).raise_for_status()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    url = postgres_url()
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "access": {"error_monitor": "public"},
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "${STUB_API_KEY:-}"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "1"}, "offers": {"stub": {}}}},
            "breakers": {"failure_threshold": 1000, "failure_rate": 1, "min_requests": 1000},
            "error_monitor": {"exchange_s": 0.3},
            "store": {"url": url},
        }
        folder, env = tmp_path_factory.mktemp("errors"), {"STUB_API_KEY": SECRET}
        with GatewayProcess(folder, config, workers=2, env=env) as gateway:
            user = gateway.create_user()
            admin = gateway.create_user("admin@example.com", "--role", "admin")
            yield Place(gateway, upstream, url, bearer(user), bearer(admin))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_17_7_nothing_went_wrong_yet(place: Place) -> None:
    assert place.ask().status_code == 200
    assert place.get(f"{BASE}/errors/patterns") == {"total_patterns": 0, "patterns": []}


def test_17_6_a_refused_key_is_a_pattern_that_names_provider_variable_and_count(place: Place) -> None:
    place.upstream.fail(401, f"bad key {SECRET}")
    for _ in range(7):
        assert place.ask().status_code >= 500
    place.reset()
    (pattern,) = place.wait("PROVIDER_AUTHENTICATION_ERROR", lambda found: [each["count"] for each in found] == [7])
    assert (pattern["category"], pattern["severity"]) == ("auth_error", "high")
    assert (pattern["provider"], pattern["status"]) == ("stub", 401) and "stub" in pattern["message"]
    assert pattern["fixable"] and "'stub' (STUB_API_KEY)" in pattern["suggested_fix"]
    fixable = place.get(f"{BASE}/errors/fixable?hours=1")
    assert pattern in fixable["fixable_errors"] and fixable["count"] == len(fixable["fixable_errors"])


def test_used_up_credit_and_a_missing_model_are_other_patterns(place: Place) -> None:
    place.upstream.fail(402)
    assert place.ask().status_code >= 500
    place.upstream.fail(404)
    assert place.ask().status_code == 404
    place.reset()
    place.wait("PROVIDER_AUTHENTICATION_ERROR", lambda found: {each["status"] for each in found} == {401, 402})
    (missing,) = place.wait("MODEL_NOT_FOUND", lambda found: len(found) == 1)
    assert missing["model"] == MODEL and "/admin/model-sync/provider/stub" in missing["suggested_fix"]


def test_17_4_recent_errors_have_bounds(place: Place) -> None:
    recent = place.get(f"{BASE}/errors/recent?hours=1&limit=1")
    assert (recent["count"], recent["hours"], len(recent["errors"])) == (1, 1, 1)
    for query in ("hours=0", "hours=25", "limit=0", "limit=1001", "hours=x"):
        assert httpx.get(f"{place.gateway.base}{BASE}/errors/recent?{query}").status_code == 422


def test_17_1_to_17_3_status_health_and_dashboard_tell_what_runs(place: Place) -> None:
    status = place.get(f"{BASE}/autonomous/status")
    monitor = status["monitor"]
    assert status["status"] == "running" and monitor["enabled"] and monitor["running"]
    assert monitor["auto_fix_enabled"] is False and monitor["scan_interval"] == 0.3 and monitor["last_scan"]
    health, patterns = place.get(f"{BASE}/health"), place.get(f"{BASE}/errors/patterns")
    assert health["error_patterns_tracked"] == patterns["total_patterns"] == monitor["total_patterns"]
    assert monitor["errors_since_last_fix"] == sum(each["count"] for each in patterns["patterns"])
    summary = place.get(f"{BASE}/dashboard")["summary"]
    assert sum(summary["patterns_by_category"].values()) == summary["total_patterns"]
    assert summary["generated_fixes"] == 0 and summary["fixable_errors"] >= 3


def test_the_public_sees_no_places_and_no_requests(place: Place) -> None:
    for pattern in place.get(f"{BASE}/errors/patterns")["patterns"]:
        assert {pattern[name] for name in ("file", "line", "function", "stack_trace")} == {None}
        assert all(each["request_id"] is None and each["detail"] is None for each in pattern["examples"])
    first = place.find("PROVIDER_AUTHENTICATION_ERROR", **place.admin)[-1]
    assert first["examples"][0]["request_id"].startswith("req_")
    path = f"{place.gateway.base}/admin/error-monitor/patterns"
    assert httpx.get(path).status_code == 401 and httpx.get(path, headers=place.user).status_code == 403


def test_17_5_a_lost_database_is_critical_and_shown_while_it_is_away(place: Place) -> None:
    with without_database(place.url):
        place.wait("DATABASE_ERROR", bool)
        critical = place.get(f"{BASE}/errors/critical?hours=1")["critical_errors"]
        assert "DATABASE_ERROR" in {each["error_type"] for each in critical}
        assert all("store.url" in each["suggested_fix"] for each in critical if each["error_type"] == "DATABASE_ERROR")
        status = place.get(f"{BASE}/autonomous/status")
        assert status["status"] == "degraded" and status["monitor"]["scope"] != "all processes"
    end = time.monotonic() + SOON_S
    while place.get(f"{BASE}/health")["status"] != "healthy" and time.monotonic() < end:
        time.sleep(0.1)
    detailed = place.find("DATABASE_ERROR", **place.admin)
    assert all(each["file"].startswith("gatewayz/") and each["line"] > 0 for each in detailed)


def test_patterns_outlive_a_restart_and_are_for_admins_where_the_configuration_says_so(place: Place) -> None:
    (before,) = (each for each in place.find("PROVIDER_AUTHENTICATION_ERROR") if each["status"] == 401)
    assert place.gateway.stop() == 0
    config = {**yaml_of(place.gateway), "access": {"error_monitor": "admin"}}
    with GatewayProcess(place.gateway.folder, config, env={"STUB_API_KEY": SECRET}) as gateway:
        again = place._replace(gateway=gateway)
        path = f"{gateway.base}{BASE}/errors/patterns"
        assert httpx.get(path).status_code == 401 and httpx.get(path, headers=place.user).status_code == 403
        found = again.get(f"{BASE}/errors/patterns", **place.admin)["patterns"]
        (after,) = (each for each in found if each["status"] == 401)
        assert after["count"] == before["count"] == 7 and after["timestamp"] == before["timestamp"]


def yaml_of(gateway: GatewayProcess) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(gateway.path.read_text())
    return config
