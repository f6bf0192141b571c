"""Who may what, for every route there is; 25.12, 25.15 and 25.17 and paid subscriptions in `/user/*`.

The sweeps are made from `gatewayz.app.ROUTES`: a new route is in them without anybody's doing. A new route with
guard `user` and a path variable needs a line in `VICTIM`, which names somebody's own thing.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from gatewayz.app import ROUTES
from gatewayz.web.routes import Route
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stripe_server import StripeServer, sign, stripe_server

pytestmark = pytest.mark.xdist_group("access")
SECRET = "whsec_of_a_test"
ADMIN_KEY = "the admin key of the environment"
VARIABLE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
UNUSED = {"int": "987654321", "path": "no/such", "string": "no-such", "": "no-such"}
VICTIM = {
    "/user/api-keys/<key_id>": "key_id",
    "/user/rate-limits/usage/<key_id>": "key_id",
    "/user/rate-limits/<key_id>": "key_id",
    "/api/stripe/checkout-session/<session_id>": "session_id",
    "/api/stripe/payment-intent/<intent_id>": "intent_id",
    "/api/stripe/payments/<payment_id>": "payment_id",
    "/v1/chat/sessions/<session_id>": "chat_session_id",
    "/v1/chat/sessions/<session_id>/messages": "chat_session_id",
    "/v1/chat/sessions/<session_id>/messages/batch": "chat_session_id",
    "/v1/chat/sessions/<session_id>/feedback": "chat_session_id",
    "/v1/chat/feedback/<feedback_id>": "feedback_id",
    "/v1/chat/share/<token>": "share_token",
    "/user/webhooks/<webhook_id>": "webhook_id",
    "/user/webhooks/<webhook_id>/rotate-secret": "webhook_id",
    "/user/webhooks/<webhook_id>/test": "webhook_id",
    "/user/webhooks/<webhook_id>/deliveries": "webhook_id",
    "/user/webhooks/<webhook_id>/deliveries/<delivery_id>/redeliver": "webhook_id",
    "/v1/files/<file_id>": "file_id",
    "/v1/files/<file_id>/content": "file_id",
    "/v1/batches/<batch_id>": "batch_id",
    "/v1/batches/<batch_id>/cancel": "batch_id",
}
"""Path without converters to what `Site.own` has of the victim."""
_SAID = {"role": "user", "content": "taken over"}
BODIES = {
    "PUT": {"requests_per_minute": 1, "key_name": "taken over", "title": "taken over", "rating": 1},
    "POST": {**_SAID, "messages": [_SAID]},
    "PATCH": {"is_active": False},
    "DELETE": {"confirmation": "DELETE_KEY"},
}


class Site:
    """Two processes on one database, a victim with things of its own, and a stranger."""

    def __init__(self, first: GatewayProcess, second: GatewayProcess, stripe: StripeServer) -> None:
        self.first, self.second, self.stripe = first, second, stripe
        self.http = httpx.Client(timeout=20)
        self.victim = first.create_user("victim@example.com", "--credits", "5")
        self.stranger = first.create_user("stranger@example.com", "--credits", "5")
        session = self.ask("POST", "/api/stripe/checkout-session", self.victim, {"amount": 1000}).json()
        intent = self.ask("POST", "/api/stripe/payment-intent", self.victim, {"amount": 1000, "currency": "usd"}).json()
        keys = self.ask("GET", "/user/api-keys", self.victim).json()["keys"]
        self.user_id = self.ask("GET", "/user/profile", self.victim).json()["user_id"]
        chat = self.ask("POST", "/v1/chat/sessions", self.victim, {"title": "Mine"}).json()["data"]
        self.ask("POST", f"/v1/chat/sessions/{chat['id']}/messages", self.victim, {"role": "user", "content": "hello"})
        liked = {"feedback_type": "thumbs_up", "session_id": chat["id"]}
        feedback = self.ask("POST", "/v1/chat/feedback", self.victim, liked).json()["data"]
        share = self.ask("POST", "/v1/chat/share", self.victim, {"session_id": chat["id"]}).json()
        webhook = self.ask("POST", "/user/webhooks", self.victim, {"url": "https://hooks.example/mine"}).json()
        bearer = {"authorization": f"Bearer {self.victim}"}
        form = {"purpose": "batch"}
        sent = self.http.post(f"{first.base}/v1/files", headers=bearer, data=form, files={"file": b"no batch"})
        file = sent.json()
        wanted = {"input_file_id": file["id"], "endpoint": "/v1/embeddings", "completion_window": "24h"}
        batch = self.ask("POST", "/v1/batches", self.victim, wanted).json()
        self.own: dict[str, str] = {
            "file_id": file["id"],
            "batch_id": batch["id"],
            "webhook_id": str(webhook["id"]),
            "key_id": str(keys[0]["id"]),
            "session_id": session["session_id"],
            "intent_id": intent["payment_intent_id"],
            "payment_id": str(session["payment_id"]),
            "chat_session_id": str(chat["id"]),
            "feedback_id": str(feedback["id"]),
            "share_token": share["share_token"],
        }

    def ask(
        self, method: str, path: str, key: str | None = None, body: Any = None, *, second: bool = False
    ) -> httpx.Response:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        base = self.second.base if second else self.first.base
        content = None if method == "GET" else msgspec.json.encode({} if body is None else body)
        headers["content-type"] = "application/json"
        return self.http.request(method, base + path, headers=headers, content=content)

    def belongings(self) -> list[Any]:
        """Return what the victim has, without what asking for it changes."""
        paths = (
            "/user/balance",
            "/user/api-keys",
            "/api/stripe/payments",
            "/user/api-keys/audit-logs",
            f"/v1/chat/sessions/{self.own['chat_session_id']}",
            "/v1/chat/feedback",
            "/v1/chat/share",
            "/user/webhooks",
            "/v1/files",
            f"/v1/batches/{self.own['batch_id']}",
        )
        shown = [self.ask("GET", path, self.victim).json() for path in paths]
        for each in (*shown, *shown[1]["keys"]):
            each.pop("timestamp", None)
            each.pop("last_used_at", None)
            each.pop("requests_used", None)
        return [
            *shown,
            self.ask("GET", "/user/rate-limits", self.victim).json()["rate_limit_configs"][0]["rate_limit_config"],
        ]

    def event(self, kind: str, subject: Any, created: int) -> None:
        body = msgspec.json.encode(
            {
                "id": f"evt_{kind}_{created}",
                "object": "event",
                "type": kind,
                "created": created,
                "data": {"object": subject},
            }
        )
        headers = {"stripe-signature": sign(body, SECRET, int(time.time())), "content-type": "application/json"}
        self.http.post(f"{self.first.base}/api/stripe/webhook", content=body, headers=headers).raise_for_status()

    def until(self, check: Callable[[], bool], within_s: float) -> bool:
        ends = time.monotonic() + within_s
        while not (done := check()) and time.monotonic() < ends:
            time.sleep(0.02)
        return done


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, other = tmp_path_factory.mktemp("access"), tmp_path_factory.mktemp("access2")
    with stripe_server() as stripe:
        config: dict[str, Any] = {
            "providers": {"echo": {"use": "echo"}},
            "plugins": ["providers.*", "routers.failover", "billing.*", "payments.*"],
            "billing": {"use": "credits"},
            "batches": {"enabled": False},
            "access": {"admin_api_key": ADMIN_KEY, "admin_email": "named@example.com"},
            "payments": {"use": "stripe", "api_key": "sk_test_1", "webhook_secret": SECRET, "base_url": stripe.url},
            "data_dir": str(folder / "var"),
            "store": {"url": f"sqlite+aiosqlite:///{folder / 'gatewayz.db'}"},
        }
        first, second = GatewayProcess(folder, config), GatewayProcess(other, config)
        first.create_user("named@example.com")  # before it starts
        with first, second:
            site = Site(first, second, stripe)
            yield site
            site.http.close()


def filled(route: Route, value: Callable[[str, str], str]) -> str:
    """Return a path of a route; `value` is given converter and name of each variable."""
    return VARIABLE.sub(lambda found: value(found[1] or "", found[2]), route.path)


def missing(converter: str, _: str) -> str:
    return UNUSED[converter]


def test_every_guarded_route_refuses_who_may_not(site: Site) -> None:
    expected = {"user": (401, 401, None), "admin": (401, 401, 403), "admin_key": (401, 401, 401)}
    wrong = {}
    for route in ROUTES:
        if route.guard not in expected:
            continue
        path = filled(route, missing)
        keys = (None, "gw_live_" + "x" * 43, site.stranger)
        for key, status in zip(keys, expected[route.guard], strict=True):
            if status is not None and (said := site.ask(route.method, path, key).status_code) != status:
                wrong[route.method, path, key is None] = said
    assert wrong == {}


def test_an_invalid_key_is_never_anonymous(site: Site) -> None:
    optional = [route for route in ROUTES if route.guard == "optional"]
    said = [site.ask(each.method, filled(each, missing), "gw_live_nonsense").status_code for each in optional]
    assert optional and set(said) == {401}


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(each, id=f"{each.method} {each.path}")
        for each in ROUTES
        if each.guard == "user" and "<" in each.path
    ],
)
def test_somebody_elses_thing_answers_like_a_missing_one(site: Site, route: Route) -> None:
    template = VARIABLE.sub(r"<\2>", route.path)
    assert template in VICTIM, f"{template}: name in VICTIM what a victim has of it"
    path = VARIABLE.sub(site.own[VICTIM[template]], route.path)
    before, body = site.belongings(), BODIES.get(route.method)
    theirs = site.ask(route.method, path, site.stranger, body)
    none = site.ask(route.method, filled(route, missing), site.stranger, body)
    assert theirs.status_code == none.status_code == 404
    assert comparable(theirs) == comparable(none)
    assert site.belongings() == before
    if route.method == "GET":  # the thing is there for its owner, or the test would prove nothing
        assert site.ask("GET", path, site.victim).status_code == 200


def comparable(reply: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = reply.json()["error"]
    return {name: value for name, value in error.items() if name not in ("request_id", "timestamp")}


def test_the_named_administrator_is_made_at_start(site: Site) -> None:
    found = site.ask("GET", "/admin/users?email=named@example.com", ADMIN_KEY).json()["users"]
    assert [user["role"] for user in found] == ["admin"]
    [log] = site.ask("GET", f"/admin/roles/audit/log?user_id={found[0]['id']}", ADMIN_KEY).json()["logs"]
    assert (log["previous_role"], log["changed_by"]) == ("user", "config:access.admin_email")


def test_what_is_revoked_stops_in_another_process_within_a_second(site: Site) -> None:
    made = site.ask("POST", "/user/api-keys", site.victim, {"key_name": "to revoke"}).json()
    assert site.ask("GET", "/user/plan", made["api_key"], second=True).status_code == 200
    site.ask("DELETE", f"/user/api-keys/{made['key_id']}", site.victim).raise_for_status()
    assert site.ask("GET", "/user/plan", made["api_key"]).status_code == 401
    assert site.until(lambda: site.ask("GET", "/user/plan", made["api_key"], second=True).status_code == 401, 1.0)


def test_an_account_that_is_switched_off_stops_in_another_process_within_a_second(site: Site) -> None:
    key = site.first.create_user("off@example.com")
    user_id = site.ask("GET", "/user/profile", key, second=True).json()["user_id"]
    site.ask("POST", f"/admin/users/{user_id}/disable", ADMIN_KEY).raise_for_status()
    assert site.until(lambda: site.ask("GET", "/user/plan", key, second=True).status_code == 401, 1.0)


def test_a_role_is_given_and_taken_in_another_process_within_a_second(site: Site) -> None:
    key = site.first.create_user("role@example.com")
    user_id = site.ask("GET", "/user/profile", key, second=True).json()["user_id"]
    for role, status in (("admin", 200), ("user", 403)):
        body = {"user_id": user_id, "new_role": role}
        site.ask("POST", "/admin/roles/update", ADMIN_KEY, body).raise_for_status()
        seen = lambda wanted=status: site.ask("GET", "/admin/users/count", key, second=True).status_code == wanted  # noqa: E731
        assert site.until(seen, 1.0)


def test_25_12_the_second_call_of_a_key_asks_no_database(site: Site) -> None:
    def stats() -> dict[str, int]:
        found: dict[str, int] = site.ask("GET", "/auth/health").json()["checks"]["auth_cache"]["stats"]
        return found

    site.ask(
        "PUT", "/user/profile", site.stranger, {"name": "Somebody New"}
    ).raise_for_status()  # forgotten by the cache
    before = stats()
    first = site.ask("GET", "/user/balance", site.stranger)
    loaded = stats()
    second = site.ask("GET", "/user/balance", site.stranger)
    cached = stats()
    assert first.json() == second.json() and first.json()["credits"] == 5.0
    assert (loaded["loads"] - before["loads"], cached["loads"] - loaded["loads"]) == (1, 0)
    assert cached["hits"] - loaded["hits"] == 1


def test_a_paid_subscription_shows_in_user(site: Site) -> None:
    key = site.first.create_user("subscriber@example.com", "--trial-days", "3")
    user_id = site.ask("GET", "/user/profile", key).json()["user_id"]
    assert site.ask("GET", "/user/profile", key).json()["tier"] == "basic"
    subject = site.stripe.subscribe("sub_shown", "prod_pro", metadata={"user_id": str(user_id)})
    site.event("customer.subscription.created", subject, 100)
    assert site.until(lambda: site.ask("GET", "/user/profile", key).json()["tier"] == "pro", 10)
    shown, balance = site.ask("GET", "/user/profile", key).json(), site.ask("GET", "/user/balance", key).json()
    assert (shown["subscription_status"], shown["tier_display_name"]) == ("active", "Pro")
    assert shown["subscription_end_date"] == shown["allowance_reset_date"] == "2030-01-01T00:00:00Z"
    assert shown["subscription_allowance"] == 1500 and shown["trial_expires_at"] is None
    assert (balance["subscription_allowance"], balance["allowance_reset_date"]) == (15.0, "2030-01-01T00:00:00Z")
    assert (balance["status"], balance["tier"], balance["trial_end_date"]) == ("active", "pro", None)
    listed = site.ask("GET", "/admin/users?email=subscriber", ADMIN_KEY).json()["users"]
    assert [user["subscription_status"] for user in listed] == ["active"]
    site.event("customer.subscription.deleted", {**subject, "status": "canceled"}, 200)
    assert site.until(lambda: site.ask("GET", "/user/profile", key).json()["tier"] == "basic", 10)
    ended = site.ask("GET", "/user/profile", key).json()
    assert ended["subscription_status"] == "canceled" and ended["allowance_reset_date"] is None
    assert ended["subscription_allowance"] == 0
