"""`/admin/rate-limits`: what the limiter knows, and the limits of anybody's key."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("limits")
CONFIG: dict[str, Any] = {
    "providers": {"echo": {"use": "echo"}},
    "models": {"acme/echo": {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}},
    "limits": {"enabled": True},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("limits-admin"), CONFIG) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def admin(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    key = gateway.create_user("boss@example.com", "--role", "admin")
    with httpx.Client(
        base_url=f"{gateway.base}/admin/rate-limits", headers={"authorization": f"Bearer {key}"}
    ) as client:
        yield client


def chat(gateway: GatewayProcess, key: str) -> int:
    body = {"model": "acme/echo", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{gateway.base}/v1/chat/completions", json=body, headers=headers).status_code


def test_limits_of_a_key_hold_until_they_are_reset(gateway: GatewayProcess, admin: httpx.Client) -> None:
    key = gateway.create_user("low@example.com")
    shown = admin.get("/config", params={"api_key": key}).json()
    key_id = shown["key_id"]
    assert shown["rate_limit_config"]["requests_per_minute"] == 60 and key not in str(shown)
    done = admin.post("/config", json={"api_key": key, "rate_limits": {"requests_per_minute": 2}})
    assert done.status_code == 200 and done.json()["rate_limit_config"]["requests_per_minute"] == 2
    done = admin.put("/update", json={"key_id": key_id, "requests_per_hour": 9})
    assert done.json()["rate_limit_config"]["requests_per_minute"] == 2
    assert [chat(gateway, key) for _ in range(3)] == [200, 200, 429]
    shown = admin.get("/config", params={"key_id": key_id}).json()
    assert shown["usage_stats"]["minute"]["requests"] == 2 and shown["current_status"]["is_rate_limited"] is True
    alerts = admin.get("/alerts").json()["alerts"]
    mine = [each for each in alerts if each["scope"] == "key" and each["subject"] == str(key_id)]
    assert len(mine) == 1 and mine[0]["limit_type"] == "requests_per_minute" and mine[0]["count"] == 1
    reset = admin.post("/config/reset", json={"key_id": key_id}).json()["rate_limit_config"]
    assert (reset["requests_per_minute"], reset["requests_per_hour"]) == (60, 1000)
    assert chat(gateway, key) == 200
    admin.put("/update", json={"key_id": key_id, "requests_per_hour": 9}).raise_for_status()
    removed = admin.delete("/delete", params={"key_id": key_id})
    assert removed.status_code == 200 and removed.json()["rate_limit_config"]["requests_per_hour"] == 1000


def test_system_counts_what_was_decided(gateway: GatewayProcess, admin: httpx.Client) -> None:
    before = admin.get("/system").json()["data"]
    assert before["enabled"] is True and before["counted_in"] == "process memory"
    assert before["default"]["requests_per_minute"] == 60 and before["velocity_mode"]["active"] is False
    key = gateway.create_user("counted@example.com")
    assert chat(gateway, key) == 200
    assert admin.get("/system").json()["data"]["granted"] > before["granted"]


def test_users_are_listed_by_page(gateway: GatewayProcess, admin: httpx.Client) -> None:
    gateway.create_user("listed@example.com")
    everybody = admin.get("/users").json()
    found = [user for user in everybody["users"] if user["email"] == "listed@example.com"]
    assert found[0]["rate_limit_configs"][0]["rate_limit_config"]["requests_per_minute"] == 60
    page = admin.get("/users", params={"limit": 1, "offset": 1}).json()
    assert page["users"] == everybody["users"][1:2] and page["total"] == everybody["total"]
    assert admin.get("/users", params={"limit": 0}).status_code == 422


def test_what_is_refused(gateway: GatewayProcess, admin: httpx.Client) -> None:
    assert admin.get("/config").status_code == 422
    assert admin.get("/config", params={"key_id": 99999}).status_code == 404
    assert admin.get("/config", params={"api_key": "gw_live_none"}).json()["error"]["param"] == "api_key"
    assert admin.post("/config", json={"key_id": 1}).status_code == 400
    assert admin.post("/config", json={"key_id": 1, "requests_per_day": -1}).status_code == 422
    assert admin.delete("/delete").status_code == 422
    key = gateway.create_user("plain@example.com")
    plain = {"authorization": f"Bearer {key}"}
    for path in ("system", "alerts", "users", "config"):
        assert httpx.get(f"{gateway.base}/admin/rate-limits/{path}", headers=plain).status_code == 403


def test_24_5_4_what_is_remembered_of_keys_is_read_again_and_counters_stay(
    gateway: GatewayProcess, admin: httpx.Client
) -> None:
    key = gateway.create_user("cleared@example.com")
    admin.post("/config", json={"api_key": key, "rate_limits": {"requests_per_minute": 2}}).raise_for_status()
    assert [chat(gateway, key) for _ in range(3)] == [200, 200, 429]
    # Behind the gateway's back: no process is told.
    with closing(sqlite3.connect(gateway.folder / "gatewayz.db")) as database, database:
        database.execute("UPDATE users SET is_active = 0 WHERE email = 'cleared@example.com'")
    assert chat(gateway, key) == 429
    done = httpx.post(f"{gateway.base}/admin/clear-rate-limit-cache", json={}, headers=admin.headers, timeout=20)
    assert done.status_code == 200 and "Counters were not touched" in done.json()["message"]
    assert chat(gateway, key) == 401
    with closing(sqlite3.connect(gateway.folder / "gatewayz.db")) as database, database:
        database.execute("UPDATE users SET is_active = 1 WHERE email = 'cleared@example.com'")
    assert httpx.post(str(done.url), json={}, headers=admin.headers, timeout=20).status_code == 200
    assert chat(gateway, key) == 429
