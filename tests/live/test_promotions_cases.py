"""The numbered acceptance cases of plans, trials, coupons, referrals and partner trials, over HTTP.

Source: spec cases 3.1.8, 8.5.*, 8.6.*, 10.*, 22.*, 24.3.5, 24.8.*, 24.10.*, 25.16.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("promotions")
FREE = "meta-llama/llama-3.1-8b-instruct:free"
PRICED = "openai/gpt-4o-mini"
_numbers = count(1)


@dataclass
class Person:
    user_id: int
    key: str
    client: httpx.Client

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(path, params=params)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(path, json={} if body is None else body)

    def chat(self, model: str) -> httpx.Response:
        messages = [{"role": "user", "content": "Reply with the single word pong."}]
        return self.post("/v1/chat/completions", {"model": model, "messages": messages, "max_tokens": 16})


@dataclass
class Shop:
    gateway: GatewayProcess
    upstream: StubUpstream
    admin: Person
    people: ExitStack

    def person(self, *options: str) -> Person:
        email = f"person{next(_numbers)}@site{next(_numbers)}.example.com"
        made = create(self.gateway, email, *options)
        self.people.enter_context(made.client)
        return made

    def coupon(self, **fields: Any) -> dict[str, Any]:
        body = {"code": f"CODE{next(_numbers)}", "value_usd": 5, "coupon_scope": "global", "max_uses": 100}
        reply = self.admin.post("/admin/coupons", {**body, "valid_until": days(10), **fields})
        assert reply.status_code == 200, reply.text
        shown: dict[str, Any] = reply.json()
        return shown


def days(number: float) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).isoformat()


def create(gateway: GatewayProcess, email: str, *options: str) -> Person:
    shown = gateway.add_user(email, *options)
    headers = {"authorization": f"Bearer {shown['api_key']}"}
    return Person(shown["user_id"], shown["api_key"], httpx.Client(base_url=gateway.base, headers=headers, timeout=20))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with stub_upstream() as upstream:
        config = {
            "providers": {
                "openai": {"base_url": upstream.url, "api_key": "sk-openai-upstream"},
                "openrouter": {"base_url": upstream.url, "api_key": "sk-or-upstream"},
                "local": {"enabled": False},
            },
            "billing": {"use": "credits"},
        }
        with GatewayProcess(tmp_path_factory.mktemp("promotions"), config) as gateway, ExitStack() as people:
            admin = create(gateway, "admin@example.com", "--role", "admin")
            people.enter_context(admin.client)
            yield Shop(gateway, upstream, admin, people)


def test_3_1_8_and_25_16_expired_trial(shop: Shop) -> None:
    expired = shop.person("--trial-days", "0", "--credits", "5")
    shop.upstream.seen.clear()
    refused = expired.chat(PRICED)
    assert refused.status_code == 402 and refused.json()["error"]["gateway_code"] == "TRIAL_EXPIRED"
    assert refused.headers["x-trial-expired"] == "true"
    assert datetime.fromisoformat(refused.headers["x-trial-end-date"]) < datetime.now(UTC)
    assert shop.upstream.seen == []
    free = expired.chat(FREE)
    assert free.status_code == 200 and free.json()["gateway_usage"]["cost_usd"] == 0
    assert expired.get("/trial/status").json()["trial_status"]["status"] == "expired"


def test_a_running_trial_may_call(shop: Shop) -> None:
    assert shop.person("--trial-days", "3", "--trial-credits", "5").chat(PRICED).status_code == 200


def test_8_5_1_list_plans(shop: Shop) -> None:
    plans = httpx.get(f"{shop.gateway.base}/plans").json()
    assert [plan["plan_type"] for plan in plans] == ["free", "dev", "team"]
    pro = plans[1]
    assert (pro["name"], pro["price_per_month"], pro["daily_request_limit"]) == ("Pro", 29, 1000)
    assert pro["monthly_token_limit"] == 3_000_000 and pro["max_concurrent_requests"] == 10


def test_8_5_2_plan_details(shop: Shop) -> None:
    plans = httpx.get(f"{shop.gateway.base}/plans").json()
    assert httpx.get(f"{shop.gateway.base}/plans/{plans[0]['id']}").json() == plans[0]
    assert httpx.get(f"{shop.gateway.base}/plans/999").status_code == 404


def test_8_5_3_subscription_plans(shop: Shop) -> None:
    shown = httpx.get(f"{shop.gateway.base}/subscription/plans").json()
    assert shown["success"] and [plan["trial_eligible"] for plan in shown["plans"]] == [True, False, False]
    assert shown["trial_info"] == {
        "trial_days": 3,
        "trial_credits": 5.0,
        "trial_tokens": 1_000_000,
        "trial_requests": 10_000,
        "trial_plan": "free",
    }


def test_8_5_4_trial_status(shop: Shop) -> None:
    status = shop.person("--trial-days", "3", "--trial-credits", "5").get("/trial/status").json()["trial_status"]
    assert status["status"] == "active" and status["is_trial"] and not status["is_expired"]
    assert 2.9 < status["days_remaining"] <= 3 and status["remaining_credits"] == 5
    assert status["remaining_tokens"] == 1_000_000
    nobody = shop.person().get("/trial/status").json()["trial_status"]
    assert nobody["status"] == "none" and not nobody["is_trial"] and nobody["days_remaining"] == 0
    assert httpx.get(f"{shop.gateway.base}/trial/status").status_code == 401


def test_8_6_1_and_8_6_2_referral_code(shop: Shop) -> None:
    person = shop.person()
    shown = person.get("/referral/code").json()
    assert len(shown["referral_code"]) == 8 and shown["referral_code"].isalnum()
    assert shown["referral_code"] in shown["invite_link"] and shown["referral_code"] in shown["share_message"]
    assert person.post("/referral/generate").json()["referral_code"] == shown["referral_code"]


def test_8_6_3_referral_stats(shop: Shop) -> None:
    stats = shop.person().get("/referral/stats").json()
    assert stats["total_uses"] == 0 and stats["remaining_uses"] == 10 and stats["conversion_rate"] == 0
    assert stats["total_earned"] == 0 and stats["referrals"] == []


def test_8_6_4_validate(shop: Shop) -> None:
    person, other = shop.person(), shop.person()
    code = other.get("/referral/code").json()["referral_code"]
    valid = person.post("/referral/validate", {"referral_code": code.lower()}).json()
    assert valid["valid"] and valid["referrer_username"].startswith("person") and "@" not in str(valid)
    own = other.post("/referral/validate", {"referral_code": code})
    assert own.status_code == 200 and own.json()["valid"] is False and "own" in own.json()["message"]
    unknown = person.post("/referral/validate", {"referral_code": "ABCD1234"})
    assert unknown.status_code == 200 and unknown.json()["valid"] is False
    assert person.post("/referral/validate", {}).json()["error"]["param"] == "referral_code"


def test_10_1_available(shop: Shop) -> None:
    person, other = shop.person(), shop.person()
    everybody = shop.coupon()["code"]
    mine = shop.coupon(coupon_scope="user_specific", max_uses=1, assigned_to_user_id=person.user_id)["code"]
    shown = {coupon["code"]: coupon for coupon in person.get("/coupons/available").json()}
    assert shown[everybody]["value_usd"] == 5 and shown[everybody]["coupon_scope"] == "global"
    assert shown[mine]["remaining_uses"] == 1
    codes = {coupon["code"] for coupon in other.get("/coupons/available").json()}
    assert everybody in codes and mine not in codes


def test_10_2_10_3_10_5_redeem_once(shop: Shop) -> None:
    person, coupon = shop.person(), shop.coupon()
    first = person.post("/coupons/redeem", {"code": coupon["code"].lower()})
    assert first.status_code == 200 and first.json() == {
        "success": True,
        "message": first.json()["message"],
        "coupon_code": coupon["code"],
        "coupon_value": 5.0,
        "previous_balance": 0.0,
        "new_balance": 5.0,
        "error_code": None,
    }
    again = person.post("/coupons/redeem", {"code": coupon["code"]})
    assert again.status_code == 400 and again.json()["success"] is False
    assert again.json()["error_code"] == again.json()["error"]["code"] == "ALREADY_REDEEMED"
    history = person.get("/coupons/history", limit=50).json()
    assert history["total_redemptions"] == 1 and history["total_value_redeemed"] == 5
    assert history["redemptions"][0]["user_balance_after"] == 5
    assert coupon["code"] not in {one["code"] for one in person.get("/coupons/available").json()}
    assert person.chat(PRICED).status_code == 200  # the value can be spent


def test_10_4_and_others_refused(shop: Shop) -> None:
    person = shop.person()
    expired = shop.coupon(valid_until=days(-1))["code"]
    later = shop.coupon(valid_from=days(1))["code"]
    inactive = shop.coupon()
    shop.admin.client.delete(f"/admin/coupons/{inactive['id']}").raise_for_status()
    used_up = shop.coupon(max_uses=1)["code"]
    assert shop.person().post("/coupons/redeem", {"code": used_up}).status_code == 200
    expected = {
        expired: "COUPON_EXPIRED",
        later: "COUPON_NOT_YET_ACTIVE",
        inactive["code"]: "COUPON_INACTIVE",
        used_up: "MAX_USES_EXCEEDED",
        "NOSUCH": "COUPON_NOT_FOUND",
    }
    for code, reason in expected.items():
        reply = person.post("/coupons/redeem", {"code": code})
        assert (reply.status_code, reply.json()["error_code"], reply.json()["success"]) == (400, reason, False)
    assert person.post("/coupons/redeem", {"code": "x"}).status_code == 422


def test_10_6_somebody_elses(shop: Shop) -> None:
    owner, thief = shop.person(), shop.person()
    code = shop.coupon(coupon_scope="user_specific", max_uses=1, assigned_to_user_id=owner.user_id)["code"]
    reply = thief.post("/coupons/redeem", {"code": code})
    assert reply.status_code == 400 and reply.json()["error_code"] == "COUPON_NOT_ASSIGNED"
    assert owner.post("/coupons/redeem", {"code": code}).status_code == 200


def test_the_last_use_goes_to_one(shop: Shop) -> None:
    people, code = [shop.person() for _ in range(4)], shop.coupon(max_uses=1)["code"]
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda person: person.post("/coupons/redeem", {"code": code}), people * 2))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 7
    balances = [person.get("/referral/stats").json()["current_balance"] for person in people]
    assert sorted(balances) == [0, 0, 0, 5]


def test_22_1_partner_config(shop: Shop) -> None:
    shown = httpx.get(f"{shop.gateway.base}/partner-trials/config/redbeard").json()
    assert shown["partner_code"] == "REDBEARD" and shown["trial_duration_days"] == 14
    assert shown["trial_tier"] == "pro" and shown["trial_credits_usd"] == 20 and shown["daily_usage_limit_usd"] == 5
    assert httpx.get(f"{shop.gateway.base}/partner-trials/config/nobody").status_code == 404


def test_22_2_check_code(shop: Shop) -> None:
    unknown = httpx.get(f"{shop.gateway.base}/partner-trials/check/nosuchcode")
    assert unknown.status_code == 200
    assert unknown.json()["code"] == "NOSUCHCODE" and unknown.json()["is_partner_code"] is False
    assert httpx.get(f"{shop.gateway.base}/partner-trials/check/RedBeard").json()["is_partner_code"] is True


def test_22_3_22_4_without_one(shop: Shop) -> None:
    person = shop.person()
    assert person.get("/partner-trials/status").json()["has_partner_trial"] is False
    limit = person.get("/partner-trials/daily-limit").json()
    assert limit["user_id"] == person.user_id and limit["unlimited"] is True and limit["daily_limit_usd"] is None


def test_22_5_start(shop: Shop) -> None:
    person = shop.person("--trial-days", "3", "--trial-credits", "5")
    started = person.post("/partner-trials/start", {"partner_code": "redbeard", "signup_source": "case"})
    assert started.status_code == 200 and started.json()["trial_credits_usd"] == 20
    end = datetime.fromisoformat(started.json()["trial_expires_at"])
    assert abs(end - datetime.now(UTC) - timedelta(days=14)) < timedelta(minutes=1)
    status = person.get("/partner-trials/status").json()
    assert status["has_partner_trial"] and status["trial_status"] == "active" and 13.9 < status["days_remaining"] <= 14
    assert person.get("/partner-trials/daily-limit").json()["daily_limit_usd"] == 5
    assert person.get("/trial/status").json()["trial_status"]["remaining_credits"] == 20
    again = person.post("/partner-trials/start", {"partner_code": "REDBEARD"})
    assert again.status_code == 400 and again.json()["error"]["code"] == "PARTNER_TRIAL_USED"
    assert shop.person().post("/partner-trials/start", {"partner_code": "NOBODY"}).status_code == 404
    assert person.post(f"/partner-trials/expire/{person.user_id}").status_code == 403
    assert shop.admin.post(f"/partner-trials/expire/{person.user_id}").status_code == 200
    assert person.chat(PRICED).status_code == 402
    figures = shop.admin.get("/partner-trials/analytics/REDBEARD").json()
    assert figures["total_trials"] >= 1 and figures["expired_trials"] >= 1


def test_24_3_5_assign_plan(shop: Shop) -> None:
    person = shop.person()
    plan_id = shop.admin.get("/plans").json()[1]["id"]
    body = {"user_id": person.user_id, "plan_id": plan_id, "duration_months": 1}
    shown = shop.admin.post("/admin/assign-plan", body).json()
    assert shown["status"] == "success" and shown["user_id"] == person.user_id and shown["plan_id"] == plan_id
    history = shop.admin.get("/admin/plan-assignments", user_id=person.user_id).json()["assignments"]
    assert [one["plan"] for one in history] == ["pro"] and history[0]["assigned_by"] == f"user:{shop.admin.user_id}"
    assert shop.admin.post("/admin/assign-plan", {**body, "plan_id": 999}).status_code == 404
    assert shop.admin.post("/admin/assign-plan", {**body, "user_id": 999_999}).status_code == 404
    assert person.post("/admin/assign-plan", body).status_code == 403
    assert shop.admin.post("/admin/assign-plan", {"plan_id": 1}).json()["error"]["param"] == "user_id"


def logged(shop: Shop, person: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the page of active trials and the person's row on it, once the usage log has the call."""
    for _ in range(100):  # the log is written in groups, within a tenth of a second
        users: dict[str, Any] = shop.admin.get("/admin/trial/users", limit=20, status="active").json()
        mine: dict[str, Any] = next(user for user in users["users"] if user["user_id"] == person.user_id)
        if mine["trial_used_requests"]:
            break
        time.sleep(0.05)
    return users, mine


def test_24_8_trial_reports(shop: Shop) -> None:
    person = shop.person("--trial-days", "3", "--trial-credits", "5")
    assert person.chat(PRICED).status_code == 200
    email_domain = shop.admin.get("/admin/trial/users", limit=1).json()["users"][0]["email_domain"]
    analytics = shop.admin.get("/admin/trial/analytics").json()["analytics"]
    assert analytics["total_trials"] == sum(analytics["trial_status_breakdown"].values()) > 0
    users, mine = logged(shop, person)
    assert mine["trial_status"] == "active" and mine["api_key_preview"].endswith(person.key[-4:])
    assert mine["trial_used_requests"] == 1 and mine["trial_used_tokens"] == 11 and mine["trial_used_credits"] > 0
    assert users["pagination"]["limit"] == 20
    domains = shop.admin.get("/admin/trial/domain-analysis").json()
    assert email_domain in {domain["domain"] for domain in domains["domains"]} and domains["suspicious_domains"] == []
    funnel = shop.admin.get("/admin/trial/conversion-funnel").json()["funnel"]
    assert funnel["total_trials_started"] == analytics["total_trials"] and funnel["made_first_request"] >= 1
    assert shop.admin.get("/admin/trial/cohort-analysis").json()["cohorts"][0]["total_users"] >= 1
    assert shop.admin.get("/admin/trial/ip-analysis").status_code == 200
    saved = shop.admin.post("/admin/trial/save-conversion-metrics", {"user_id": person.user_id}).json()
    assert (saved["converted"], saved["requests_at_conversion"], saved["tokens_at_conversion"]) == (True, 1, 11)
    assert person.get("/trial/status").json()["trial_status"]["status"] == "converted"
    assert not shop.admin.post("/admin/trial/save-conversion-metrics", {"user_id": person.user_id}).json()["converted"]
    assert shop.admin.post("/admin/trial/save-conversion-metrics", {"user_id": 999_999}).status_code == 404
    assert person.get("/admin/trial/analytics").status_code == 403
    assert shop.admin.get("/admin/trial/users", limit=0).json()["error"]["param"] == "limit"


def test_24_10_admin_coupons(shop: Shop) -> None:
    coupon = shop.coupon(max_uses=4)
    shop.person().post("/coupons/redeem", {"code": coupon["code"]}).raise_for_status()
    listed = shop.admin.get("/admin/coupons", limit=20).json()
    assert listed["coupons"][0]["id"] == coupon["id"] and listed["limit"] == 20 and listed["offset"] == 0
    assert listed["total"] >= 1
    analytics = shop.admin.get(f"/admin/coupons/{coupon['id']}/analytics").json()
    assert analytics["total_redemptions"] == analytics["unique_users"] == 1 and analytics["remaining_uses"] == 3
    assert analytics["redemption_rate"] == 0.25 and analytics["is_expired"] is False
    assert shop.admin.get("/admin/coupons/999999/analytics").status_code == 404
    overview = shop.admin.get("/admin/coupons/stats/overview").json()
    assert overview["total_redemptions"] >= 1 and overview["total_coupons"] >= overview["active_coupons"] >= 1
    assert overview["total_value_distributed"] == 5 * overview["total_redemptions"]
    changed = shop.admin.client.patch(f"/admin/coupons/{coupon['id']}", json={"max_uses": 9, "description": "x"})
    assert changed.json()["max_uses"] == 9 and changed.json()["description"] == "x"
    assert shop.person().get("/admin/coupons").status_code == 403


def test_24_10_rules_of_a_new_coupon(shop: Shop) -> None:
    good = {"code": "RULES", "value_usd": 5, "coupon_scope": "global", "max_uses": 1, "valid_until": days(1)}
    assert shop.admin.post("/admin/coupons", good).status_code == 200
    taken = shop.admin.post("/admin/coupons", {**good, "code": "rules"})
    assert taken.status_code == 400 and taken.json()["error"]["code"] == "COUPON_CODE_TAKEN"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"code": "a b c"}, "code"),
        ({"value_usd": 0}, "value_usd"),
        ({"value_usd": 1000.01}, "value_usd"),
        ({"max_uses": 0}, "max_uses"),
        ({"coupon_scope": "user_specific"}, "assigned_to_user_id"),
        ({"coupon_scope": "user_specific", "assigned_to_user_id": 1, "max_uses": 2}, "max_uses"),
        ({"assigned_to_user_id": 1}, "assigned_to_user_id"),
        ({"valid_until": "tomorrow"}, "valid_until"),
    ]
    for change, param in wrong:
        reply = shop.admin.post("/admin/coupons", {**good, "code": f"W{next(_numbers)}XX", **change})
        assert (reply.status_code, reply.json()["error"]["param"]) == (422, param)
        assert reply.json()["detail"]
