"""Cases 2.1, 2.2, 2.5, 2.6 and 25.15, and that nobody gets into somebody else's account."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import jwt
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("auth")
SECRET = "a shared secret of the tests, long enough"
ADDRESSES = count(1)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = {
        "providers": {"echo": {"use": "echo"}},
        "models": {"test/echo": {"price": {"input": "0", "output": "0"}, "offers": {"echo": {}}}},
        "access": {"admin_email": "Boss@Example.com"},
        "server": {"trusted_proxies": ["127.0.0.1"]},
        "limits": {"enabled": True},
        "plugins": ["providers.*", "routers.*", "billing.*", "identity.*", "mail.*"],
        "mail": {"use": "outbox"},
        "identity": {"development": {"use": "development", "secret": SECRET}},
        "mail_domains": {"temporary": ["mailinator.com"], "blocked": ["spam.example"]},
    }
    with GatewayProcess(tmp_path_factory.mktemp("auth"), config) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    # Every test is an address of its own, so that limits by address stay out of the way.
    address = f"198.51.100.{next(ADDRESSES)}"
    with httpx.Client(base_url=gateway.base, timeout=20, headers={"x-forwarded-for": address}) as client:
        yield client


def token(subject: str, *, secret: str = SECRET, expires_s: float = 600, **claims: Any) -> str:
    return jwt.encode({"sub": subject, "exp": time.time() + expires_s, **claims}, secret, algorithm="HS256")


def body(subject: str, email: str | None = None, **over: Any) -> dict[str, Any]:
    accounts = [{"type": "email", "email": email, "verified_at": 1767225600}] if email else []
    user = {"id": subject, "created_at": 1767225600, "linked_accounts": accounts, "mfa_methods": []}
    return {"user": user, "token": token(subject, email=email), "email": email, "environment_tag": "live", **over}


def test_2_2_and_25_15_first_sign_in_makes_an_account(client: httpx.Client) -> None:
    shown = client.post("/auth", json=body("did:privy:new-0002", "new.0002@example.com")).json()
    assert shown["success"] is True and shown["is_new_user"] is True and shown["credits"] == 5.0
    assert shown["subscription_status"] == "trial" and shown["privy_user_id"] == "did:privy:new-0002"
    assert shown["purchased_credits"] == shown["total_credits"] == 500
    ends = datetime.fromisoformat(shown["trial_expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=1)
    assert shown["api_key"].startswith("gw_live_") and shown["display_name"] == "new.0002"
    client.headers["authorization"] = f"Bearer {shown['api_key']}"
    status = client.get("/trial/status").json()["trial_status"]
    assert status["is_valid"] is True and status["status"] == "active" and 2.9 < status["days_remaining"] <= 3
    balance = client.get("/user/balance").json()
    assert balance["credits"] == balance["total_credits"] == balance["purchased_credits"] == 5.0
    assert balance["subscription_allowance"] == 0.0 and balance["status"] == "trial"
    assert datetime.fromisoformat(balance["trial_end_date"]) == ends
    assert (balance["tokens_remaining"], balance["requests_remaining"]) == (1_000_000, 10_000)


def test_2_1_later_sign_ins_give_the_same_account(client: httpx.Client) -> None:
    first = client.post("/auth", json=body("did:privy:again", "again@example.com")).json()
    second = client.post("/auth", json=body("did:privy:again", "again@example.com")).json()
    assert second["is_new_user"] is False and second["credits"] == 5.0
    assert (second["user_id"], second["api_key"]) == (first["user_id"], first["api_key"])


def test_parallel_first_sign_ins_make_one_account(client: httpx.Client) -> None:
    sent = body("did:privy:parallel", "parallel@example.com")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.post("/auth", json=sent), range(8)))
    shown = [reply.json() for reply in replies]
    assert [reply.status_code for reply in replies] == [200] * 8
    assert len({each["user_id"] for each in shown}) == 1
    assert sum(each["is_new_user"] for each in shown) == 1
    assert client.post("/auth", json=sent).json()["credits"] == 5.0


def test_2_5_health(client: httpx.Client) -> None:
    shown = client.get("/auth/health").json()
    assert shown["service"] == "auth" and shown["status"] == "healthy"
    assert set(shown["checks"]) == {"database", "redis", "auth_cache", "timeouts"}
    assert shown["checks"]["redis"]["status"] == "not_configured" and "issues" not in shown
    assert shown["checks"]["timeouts"]["user_lookup_timeout_seconds"] == 5.0


@pytest.mark.parametrize(
    "bad",
    [
        "not-a-valid-token",
        "",
        token("did:privy:victim", secret="another secret that is long enough too"),
        token("did:privy:victim", expires_s=-120),
        token("did:privy:other"),
        jwt.encode({"sub": "did:privy:victim"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "did:privy:victim", "exp": 4e9}, None, algorithm="none"),
    ],
)
def test_2_6_bad_tokens_are_refused(client: httpx.Client, bad: str) -> None:
    reply = client.post("/auth", json=body("did:privy:victim", "victim@example.com", token=bad))
    assert reply.status_code == 401 and reply.json()["error"]["type"] == "authentication_error"


def test_2_6_a_refused_token_leaves_no_account(gateway: GatewayProcess, client: httpx.Client) -> None:
    client.post("/auth", json=body("did:privy:ghost", "ghost@example.com", token="not-a-valid-token"))
    headers = {"authorization": f"Bearer {gateway.create_user('looks@example.com', '--role', 'admin')}"}
    assert client.get("/admin/users/count", params={"email": "ghost@"}, headers=headers).json()["count"] == 0


def test_an_unverified_address_leads_nowhere(client: httpx.Client) -> None:
    owner = client.post("/auth", json=body("did:privy:owner", "owner@example.com")).json()
    thief = body("did:privy:thief", "Owner@Example.com", token=token("did:privy:thief"))
    shown = client.post("/auth", json=thief).json()
    assert shown["is_new_user"] is True and shown["user_id"] != owner["user_id"] and shown["email"] is None


def test_a_verified_address_is_not_caught_by_who_registered_it_first(client: httpx.Client) -> None:
    sent = {"username": "squatter", "email": "squatted@example.com"}
    squatter = client.post("/auth/register", json=sent).json()
    owner = client.post("/auth", json=body("did:privy:squatted", "squatted@example.com")).json()
    assert owner["is_new_user"] is True and owner["user_id"] != squatter["user_id"]
    assert owner["email"] == "squatted@example.com"


def test_an_operators_account_is_found_by_verified_address(gateway: GatewayProcess, client: httpx.Client) -> None:
    key = gateway.create_user("made.by.cli@example.com")
    shown = client.post("/auth", json=body("did:privy:cli", "made.by.cli@example.com")).json()
    assert shown["is_new_user"] is False and shown["api_key"] == key


def test_register_and_what_is_taken(client: httpx.Client) -> None:
    sent = {"username": "reg_one", "email": "reg.one@example.com"}
    shown = client.post("/auth/register", json=sent).json()
    assert shown["username"] == "reg_one" and shown["credits"] == 5.0 and shown["api_key"].startswith("gw_live_")
    same_name = client.post("/create", json={"username": "REG_ONE", "email": "x@example.com"})
    assert same_name.status_code == 400 and same_name.json()["error"]["param"] == "username"
    same_email = client.post("/auth/register", json={"username": "reg_two", "email": "Reg.One@Example.com"})
    assert same_email.status_code == 400 and same_email.json()["error"]["param"] == "email"


def test_register_refuses_what_cannot_be(client: httpx.Client) -> None:
    bad = client.post("/auth/register", json={"username": "fine", "email": "nope"})
    assert bad.status_code == 422 and bad.json()["error"]["param"] == "email"


def test_mail_domains(client: httpx.Client) -> None:
    blocked = client.post("/auth", json=body("did:privy:spam", "a@mx.spam.example"))
    assert blocked.status_code == 400 and blocked.json()["error"]["code"] == "EMAIL_BLOCKED"
    marked = client.post("/auth", json=body("did:privy:bot", "a@mailinator.com")).json()
    assert marked["subscription_status"] == "bot"


def test_a_temporary_mail_account_is_held_to_its_own_limits(client: httpx.Client) -> None:
    shown = client.post("/auth", json=body("did:privy:bot2", "b@mx.mailinator.com")).json()
    client.headers["authorization"] = f"Bearer {shown['api_key']}"
    enforced = client.get("/user/rate-limits").json()["rate_limit_configs"][0]["rate_limit_config"]
    assert (enforced["requests_per_minute"], enforced["burst_limit"], enforced["concurrency_limit"]) == (5, 3, 1)
    assert client.get("/user/limit").json()["current_limits"]["requests_per_minute"] == 5
    # Another address does not wash the mark off.
    client.put("/user/profile", json={"email": "clean@example.com"}).raise_for_status()
    sent = {"model": "test/echo", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    statuses = [client.post("/v1/chat/completions", json=sent).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_the_named_administrator_is_made_at_sign_in(client: httpx.Client) -> None:
    claimed = client.post("/auth", json=body("did:claims", "boss@example.com", token=token("did:claims"))).json()
    assert admin_status(client, claimed["api_key"]) == 403
    boss = client.post("/auth", json=body("did:privy:boss", "boss@example.com")).json()
    assert admin_status(client, boss["api_key"]) == 200
    client.post("/auth", json=body("did:privy:boss", "boss@example.com")).raise_for_status()
    headers = {"authorization": f"Bearer {boss['api_key']}"}
    logs = client.get("/admin/roles/audit/log", headers=headers).json()["logs"]
    assert [(log["user_id"], log["new_role"], log["changed_by"]) for log in logs] == [
        (boss["user_id"], "admin", "config:access.admin_email")
    ]


def mails_to(gateway: GatewayProcess, address: str) -> list[dict[str, str]]:
    files = (gateway.folder / "var" / "plugins" / "mail" / "mail").glob("*.json")
    mails = [msgspec.json.decode(content) for file in files if (content := file.read_bytes())]
    return [mail for mail in mails if mail["to"] == address]


def mail_to(gateway: GatewayProcess, address: str, subject: str) -> dict[str, str]:
    """Return the one mail, waiting for it: mail goes out after the answer."""
    until = time.monotonic() + 10
    while True:
        found = [mail for mail in mails_to(gateway, address) if mail["subject"] == subject]
        if found or time.monotonic() > until:
            [mail] = found
            return mail
        time.sleep(0.02)


def test_a_new_account_is_welcomed_by_mail_once_and_without_its_key(
    gateway: GatewayProcess, client: httpx.Client
) -> None:
    first = client.post("/auth", json=body("did:privy:mail", "mail@example.com")).json()
    client.post("/auth", json=body("did:privy:mail", "mail@example.com")).raise_for_status()
    mail = mail_to(gateway, "mail@example.com", "Your account is ready")
    assert "$5.00" in mail["text"] and first["trial_expires_at"][:10] in mail["text"]
    assert first["api_key"] not in mail["text"]
    client.post("/auth/register", json={"username": "mailed", "email": "mailed@example.com"}).raise_for_status()
    assert "Hello mailed" in mail_to(gateway, "mailed@example.com", "Your account is ready")["text"]
    assert len(mails_to(gateway, "mail@example.com")) == 1


def test_what_became_of_a_referral_code_is_told(client: httpx.Client) -> None:
    friend = client.post("/auth", json=body("did:privy:friend", "friend@example.com")).json()
    assert friend["referral_applied"] is None
    mine = {"authorization": f"Bearer {friend['api_key']}"}
    code = client.get("/referral/code", headers=mine).json()["referral_code"]
    bad = client.post("/auth", json=body("did:privy:bad-code", "bad.code@example.com", referral_code="NOSUCH00")).json()
    assert bad["is_new_user"] is True and bad["api_key"]
    assert bad["referral_applied"] is False and bad["referral_message"] == "There is no such referral code."
    good = client.post("/auth", json=body("did:privy:came", "came@example.com", referral_code=code)).json()
    assert good["referral_applied"] is True and good["referral_message"] is None
    late = client.post("/auth", json=body("did:privy:came", "came@example.com", referral_code=code)).json()
    assert late["referral_applied"] is False
    sent = {"username": "by_code", "email": "by.code@example.com", "referral_code": "NOSUCH00"}
    assert client.post("/auth/register", json=sent).json()["referral_applied"] is False
    assert client.get("/referral/stats", headers=mine).json()["total_uses"] == 1


def admin_status(client: httpx.Client, key: str) -> int:
    return client.get("/admin/users/count", headers={"authorization": f"Bearer {key}"}).status_code


def test_reset_says_the_same_to_all_and_works_once(gateway: GatewayProcess, client: httpx.Client) -> None:
    client.post("/auth", json=body("did:privy:reset", "reset@example.com")).raise_for_status()
    known = client.post("/auth/password-reset", params={"email": "reset@example.com"})
    unknown = client.post("/auth/password-reset", params={"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 200 and known.content == unknown.content
    mail = mail_to(gateway, "reset@example.com", "Reset your sign-in")
    assert not mails_to(gateway, "nobody@example.com")
    secret = mail["text"].split("token=")[1].split()[0]
    assert client.post("/auth/reset-password", params={"token": secret}).status_code == 200
    elsewhere = {"x-forwarded-for": f"198.51.100.{next(ADDRESSES)}"}
    again = client.post("/auth/reset-password", params={"token": secret}, headers=elsewhere)
    assert again.status_code == 400


def test_schema_errors_name_the_field(client: httpx.Client) -> None:
    reply = client.post("/auth", json={"user": {"id": "x"}})
    assert reply.status_code == 422 and reply.json()["error"]["param"] == "user.created_at"
    assert reply.json()["detail"][0]["loc"] == ["user", "created_at"]


def test_2_3_eleventh_sign_in_of_an_address(client: httpx.Client) -> None:
    sent = body("did:privy:limited", "limited@example.com", token="not-a-valid-token")
    assert [client.post("/auth", json=sent).status_code for _ in range(10)] == [401] * 10
    reply = client.post("/auth", json=sent)
    assert reply.status_code == 429 and int(reply.headers["retry-after"]) > 0


def test_2_4_fourth_registration_of_an_address(client: httpx.Client) -> None:
    sent = [{"username": f"case_register_{n}", "email": f"case.register.{n}@example.com"} for n in range(4)]
    assert [client.post("/auth/register", json=each).status_code for each in sent] == [200, 200, 200, 429]
