"""Cases 8.1.* and 8.2.*: a user's own account, from real rows."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("account")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    price = {"input": "1", "output": "2"}
    config = {
        "providers": {"echo": {"use": "echo"}},
        "models": {"test/echo": {"price": price, "offers": {"echo": {}}}},
    }
    with GatewayProcess(tmp_path_factory.mktemp("account"), config) as gateway:
        gateway.create_user("other.user@example.com")
        key = gateway.create_user("case.user@example.com", "--trial-days", "3")
        with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=10) as client:
            sent = {"model": "test/echo", "messages": [{"role": "user", "content": "hello"}]}
            client.post("/v1/chat/completions", json=sent).raise_for_status()
            until = time.monotonic() + 5
            while not client.get("/user/activity/log").json()["total"] and time.monotonic() < until:
                time.sleep(0.05)
            yield client


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/user/profile", "user_id email username credits subscription_status tier trial_expires_at trial plan"),
        ("/user/balance", "credits purchased_credits subscription_allowance total_credits"),
        ("/user/plan", "plan_id plan_name daily_request_limit monthly_request_limit features"),
        ("/user/plan/entitlements", "has_plan plan_name features can_access_feature"),
        ("/user/plan/usage", "plan_name usage limits remaining at_limit"),
        ("/user/limit", "status current_limits current_usage reset_times"),
        ("/user/credit-transactions", "transactions summary total limit offset"),
        ("/user/environment-usage", "status user_id environment_usage"),
        ("/user/monitor", "status user_id current_credits usage_metrics rate_limits"),
        ("/user/cache-settings", "enable_butter_cache system_enabled"),
        ("/user/activity/stats", "total_requests total_tokens total_spend daily_stats by_model by_provider"),
        ("/user/activity/log", "logs total page limit"),
    ],
)
def test_8_1_and_8_2_fields_and_guard(client: httpx.Client, path: str, fields: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200 and set(fields.split()) <= set(reply.json())
    assert httpx.get(str(client.base_url).rstrip("/") + path).status_code == 401


def test_8_1_2_update_profile(client: httpx.Client) -> None:
    shown = client.put("/user/profile", json={"name": "Case User", "preferences": {"theme": "dark"}}).json()
    assert shown["name"] == "Case User" and shown["preferences"] == {"theme": "dark"}
    assert client.put("/user/profile", json={}).status_code == 400
    assert client.put("/user/profile", json={"email": "nope"}).status_code == 422


def test_8_1_3_duplicate_email(client: httpx.Client) -> None:
    reply = client.put("/user/profile", json={"email": "Other.User@Example.com"})
    assert reply.status_code == 409 and reply.json()["error"]["param"] == "email"
    assert client.get("/user/profile").json()["email"] == "case.user@example.com"


def test_8_1_7_and_8_2_count_real_calls(client: httpx.Client) -> None:
    stats = client.get("/user/activity/stats").json()
    assert stats["total_requests"] == stats["by_model"]["test/echo"]["requests"] == 1 and stats["total_tokens"] > 0
    assert stats["by_provider"]["echo"]["requests"] == 1 and len(stats["daily_stats"]) == 1
    log = client.get("/user/activity/log", params={"limit": 10}).json()
    assert log["total"] == log["total_count"] == 1 and log["logs"][0]["model"] == "test/echo"
    assert client.get("/user/activity/log", params={"model": "no/such"}).json()["total"] == 0
    assert client.get("/user/plan/usage").json()["usage"]["daily_requests"] == 1
    assert client.get("/user/monitor").json()["usage_metrics"]["most_used_model"] == "test/echo"


def test_8_1_12_cache_settings(client: httpx.Client) -> None:
    client.put("/user/cache-settings", params={"enable_butter_cache": "true"}).raise_for_status()
    assert client.get("/user/cache-settings").json()["enable_butter_cache"] is True


def test_closing_needs_the_word(client: httpx.Client) -> None:
    reply = client.request("DELETE", "/user/account", json={"confirmation": "yes"})
    assert reply.status_code == 400 and client.get("/user/profile").status_code == 200
