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
        "billing": {"use": "credits"},
    }
    with GatewayProcess(tmp_path_factory.mktemp("account"), config) as gateway:
        gateway.create_user("other.user@example.com")
        key = gateway.create_user("case.user@example.com", "--trial-days", "3", "--credits", "5")
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


def test_8_1_4_and_8_1_9_the_call_is_in_the_balance_and_the_transactions(client: httpx.Client) -> None:
    balance = client.get("/user/balance").json()
    shown = client.get("/user/credit-transactions", params={"limit": 50}).json()
    charge, deposit = shown["transactions"]
    assert charge["transaction_type"] == "api_usage" and charge["amount"] < 0
    assert charge["metadata"]["model"] == "test/echo" and deposit["amount"] == 5.0
    assert balance["credits"] == balance["total_credits"] == charge["balance_after"] == 5.0 + charge["amount"]
    assert shown["summary"]["net_change"] == pytest.approx(balance["credits"])
    assert shown["summary"]["by_type"]["api_usage"]["count"] == 1
    used = client.get("/user/credit-transactions", params={"transaction_type": "api_usage"}).json()
    assert used["total"] == len(used["transactions"]) == 1
    page = client.get("/user/credit-transactions", params={"limit": 1, "offset": 1}).json()
    assert page["transactions"] == [deposit] and page["total"] == 2
    assert client.get("/user/credit-transactions", params={"limit": 1001}).status_code == 422
    stats = client.get("/user/activity/stats").json()
    assert stats["total_cost"] == -charge["amount"] == client.get("/user/monitor").json()["usage_metrics"]["total_cost"]


def test_8_1_5_and_8_1_6_without_a_plan_the_limits_of_none_hold(client: httpx.Client) -> None:
    plan = client.get("/user/plan").json()
    assert (plan["daily_request_limit"], plan["monthly_request_limit"]) == (25_000, 750_000)
    assert (plan["has_plan"], plan["plan_id"], plan["features"]) == (False, None, ["basic_models"])
    for feature, may in (("basic_models", True), ("no_such_feature", False)):
        shown = client.get("/user/plan/entitlements", params={"feature": feature}).json()
        assert shown["can_access_feature"] is may


def test_8_1_8_the_lowest_limit_is_shown(client: httpx.Client) -> None:
    limits = client.get("/user/limit").json()
    assert limits["current_limits"]["requests_per_minute"] == 60
    assert limits["current_limits"]["tokens_per_day"] == 500_000  # of the plan; the key's profile has a million
    assert limits["is_enforced"] is False and limits["current_usage"]["requests_today"] == 1
    assert limits["api_key"].startswith("gw_live_")


def test_8_1_10_environments_count_their_keys(client: httpx.Client) -> None:
    made = {"key_name": "of the tests", "environment_tag": "test", "max_requests": 40}
    client.post("/user/api-keys", json=made).raise_for_status()
    shown = client.get("/user/environment-usage").json()["environment_usage"]
    assert shown["test"] == {"total_requests": 0, "total_max_requests": 40, "key_count": 1}
    assert shown["live"]["key_count"] == 1


def test_8_1_12_cache_settings(client: httpx.Client) -> None:
    client.put("/user/cache-settings", params={"enable_butter_cache": "true"}).raise_for_status()
    assert client.get("/user/cache-settings").json()["enable_butter_cache"] is True


def test_closing_needs_the_word(client: httpx.Client) -> None:
    reply = client.request("DELETE", "/user/account", json={"confirmation": "yes"})
    assert reply.status_code == 400 and client.get("/user/profile").status_code == 200
