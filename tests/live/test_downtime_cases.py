"""The numbered cases of downtime: a process that is killed leaves a gap, and the next one notes it."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

KEY = "admin-key-of-the-downtime-cases"
BASE = "/admin/downtime"


def config(**providers: Any) -> dict[str, Any]:
    return {
        "access": {"admin_api_key": KEY},
        "providers": {"local": {"enabled": False}, **providers},
        "downtime": {"beat_s": 0.2, "gap_s": 1.0},
    }


ECHO = {"use": "echo"}


class Admin:
    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.headers = {"authorization": f"Bearer {KEY}"}

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, f"{self.gateway.base}{BASE}{path}", headers=self.headers, timeout=20, **more)

    def body(self, path: str, **query: Any) -> Any:
        reply = self.send("GET", path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def until(self, path: str, name: str, value: Any) -> Any:
        ends = time.monotonic() + 10
        while (shown := self.body(path))[name] != value and time.monotonic() < ends:
            time.sleep(0.1)
        assert shown[name] == value, shown
        return shown

    def again(self, number: signal.Signals) -> None:
        """Stop the gateway, wait for longer than a restart takes, and start it."""
        self.gateway.stop(number)
        time.sleep(0.8)
        time.sleep(0.8)
        self.gateway = GatewayProcess(self.gateway.folder, config(mine=ECHO))
        self.gateway.start()


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    admin = Admin(GatewayProcess(tmp_path_factory.mktemp("downtime"), config(mine=ECHO)))
    admin.gateway.start()
    try:
        yield admin
    finally:
        admin.gateway.stop()


def test_24_9_before_any_gap_there_is_no_incident(admin: Admin) -> None:
    shown = admin.body("/incidents", limit=20)
    assert (shown["status"], shown["total_incidents"], shown["incidents"]) == ("success", 0, [])
    sums = admin.body("/statistics", days=30)
    assert (sums["period_days"], sums["statistics"]["total_incidents"]) == (30, 0)
    assert sums["statistics"]["average_duration_seconds"] is None
    assert httpx.get(f"{admin.gateway.base}{BASE}/incidents").status_code == 401


def test_24_9_1_and_24_9_3_a_killed_process_leaves_a_gap(admin: Admin) -> None:
    time.sleep(0.5)
    admin.again(signal.SIGKILL)
    (incident,) = admin.until("/incidents", "total_incidents", 1)["incidents"]
    assert (incident["type"], incident["status"], incident["severity"]) == ("crashed", "resolved", "high")
    assert 1.0 < incident["duration_seconds"] < 60 and incident["resolved_by"] == "gateway"
    assert incident["server_info"]["host"] and incident["health_endpoint"] == "/livez"
    sums = admin.body("/statistics", days=1)["statistics"]
    assert (sums["total_incidents"], sums["by_severity"]) == (1, {"high": 1})
    assert sums["total_downtime_seconds"] == pytest.approx(incident["duration_seconds"], abs=0.01)
    one = admin.body(f"/incidents/{incident['id']}")["incident"]
    assert one == incident
    analysis = admin.body(f"/incidents/{incident['id']}/analysis")["analysis"]
    assert analysis["during"]["requests"] == 0
    assert admin.send("POST", f"/incidents/{incident['id']}/resolve", json={}).status_code == 409


def test_a_stop_in_order_is_a_small_one(admin: Admin) -> None:
    admin.again(signal.SIGTERM)
    newest = admin.until("/incidents", "total_incidents", 2)["incidents"][0]
    assert (newest["type"], newest["severity"]) == ("stopped", "low")
    assert [each["id"] for each in admin.body("/incidents", severity="low")["incidents"]] == [newest["id"]]
    assert admin.body("/incidents", limit=1)["total_incidents"] == 2


def test_24_9_2_a_gateway_without_providers_is_an_ongoing_incident(admin: Admin) -> None:
    admin.gateway.write_config(config())
    shown = admin.until("/incidents/ongoing", "count", 1)["incidents"][0]
    assert (shown["type"], shown["status"], shown["ended_at"]) == ("readiness", "ongoing", None)
    assert shown["http_status_code"] == 503
    assert httpx.get(f"{admin.gateway.base}/readyz").status_code == 503
    admin.gateway.write_config(config(mine=ECHO))
    admin.until("/incidents/ongoing", "count", 0)
    assert admin.body("/incidents", status="resolved")["resolved"] == 3


def test_resolving_by_hand_and_bad_parameters(admin: Admin) -> None:
    admin.gateway.write_config(config())
    ongoing = admin.until("/incidents/ongoing", "count", 1)["incidents"][0]
    ended = admin.send("POST", f"/incidents/{ongoing['id']}/resolve", json={"notes": "planned"})
    assert ended.status_code == 200, ended.text
    shown = ended.json()["incident"]
    assert (shown["status"], shown["resolved_by"], shown["notes"]) == ("resolved", "admin", "planned")
    assert admin.send("POST", "/incidents/999/resolve", json={}).status_code == 404
    assert admin.send("GET", "/incidents/999").status_code == 404
    for path, name, value in (
        ("/incidents", "limit", 501),
        ("/incidents", "status", "over"),
        ("/incidents", "severity", "bad"),
        ("/statistics", "days", 366),
    ):
        refused = admin.send("GET", path, params={name: value})
        assert refused.status_code == 422 and refused.json()["error"]["param"] == name
