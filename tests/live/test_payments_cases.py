"""The numbered acceptance cases of payments, against a started server and a fake Stripe. Source: spec cases 11.*."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stripe_server import StripeServer, sign, stripe_server

SECRET = "whsec_of_a_test"
_numbers = count(1)


class Shop:
    def __init__(self, gateway: GatewayProcess, stripe: StripeServer, client: httpx.Client) -> None:
        self.gateway, self.stripe, self.client = gateway, stripe, client

    def buyer(self) -> dict[str, str]:
        key = self.gateway.create_user(f"buyer{next(_numbers)}@example.com", "--role", "admin")
        return {"authorization": f"Bearer {key}"}

    def referred(self, code: str) -> dict[str, str]:
        """Register somebody who came by a code; a registration begins a trial."""
        name = f"person{next(_numbers)}"
        asked = {"username": name, "email": f"{name}@example.com", "referral_code": code or None}
        made = self.client.post("/auth/register", json=asked)
        assert made.status_code in (200, 201), made.text
        return {"authorization": f"Bearer {made.json()['api_key']}"}

    def pay(self, amount: int, headers: dict[str, str]) -> Any:
        session = self.post("/checkout-session", {"amount": amount}, headers).json()
        assert self.event("checkout.session.completed", paid(session, amount))["success"]
        return session

    def post(self, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        return self.client.post(f"/api/stripe{path}", json=body, headers=headers)

    def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def balance(self, headers: dict[str, str]) -> Any:
        return self.get("/credits/balance", headers).json()

    def event(self, kind: str, subject: Any, *, id: str | None = None, at: int = 0, created: int = 100) -> Any:
        shown = {"id": id or f"evt_{next(_numbers)}", "object": "event", "type": kind, "created": created}
        body = msgspec.json.encode({**shown, "data": {"object": subject}})
        return self.send(body, sign(body, SECRET, int(time.time()) + at))

    def send(self, body: bytes, signature: str) -> Any:
        headers = {"stripe-signature": signature, "content-type": "application/json"}
        reply = self.client.post("/api/stripe/webhook", content=body, headers=headers)
        assert reply.status_code == 200, reply.text
        if "being processed" in reply.json()["message"]:
            time.sleep(1.0)  # the inbox's own round took it first; it is done when that is
        return reply.json()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with stripe_server() as stripe:
        payments = {"use": "stripe", "api_key": "sk_test_1", "webhook_secret": SECRET, "base_url": stripe.url}
        config = {
            "providers": {"local": {"enabled": False}},
            "plugins": ["providers.*", "routers.*", "billing.*", "payments.*"],
            "billing": {"use": "credits"},
            "payments": payments,
        }
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Shop(gateway, stripe, client)


def paid(session: Any, amount: int = 1000, **more: Any) -> dict[str, Any]:
    base = {"id": session["session_id"], "mode": "payment", "payment_status": "paid", "amount_total": amount}
    return {**base, "currency": "usd", "payment_intent": f"pi_of_{session['session_id']}", **more}


def test_11_1_packages(shop: Shop) -> None:
    packages = {each["id"]: each for each in shop.client.get("/api/stripe/credit-packages").json()["packages"]}
    assert (packages["professional"]["credits"], packages["professional"]["amount"]) == (5000, 4500)


def test_11_2_and_11_3_checkout_session(shop: Shop) -> None:
    buyer, other = shop.buyer(), shop.buyer()
    made = shop.post("/checkout-session", {"amount": 1000}, buyer).json()
    assert made["url"] and made["amount"] == 1000 and made["currency"] == "usd"
    shown = shop.get(f"/api/stripe/checkout-session/{made['session_id']}", buyer).json()
    assert (shown["payment_status"], shown["status"], shown["amount_total"]) == ("unpaid", "open", 1000)
    assert shop.get(f"/api/stripe/checkout-session/{made['session_id']}", other).status_code == 404
    assert shop.get(f"/api/stripe/payments/{made['payment_id']}", other).status_code == 404
    assert shop.post("/checkout-session", {"amount": 49}, buyer).status_code == 422
    free = shop.post("/checkout-session", {"amount": 1000, "credit_value": 3000}, buyer)
    assert free.status_code == 400 and free.json()["error"]["param"] == "credit_value"
    assert shop.post("/checkout-session", {"amount": 1000}, {}).status_code == 401


def test_11_4_intent_credits_once_whichever_events_tell_of_it(shop: Shop) -> None:
    buyer = shop.buyer()
    made = shop.post("/payment-intent", {"amount": 1000, "currency": "usd"}, buyer).json()
    assert made["client_secret"] and made["payment_intent_id"]
    intent = {"id": made["payment_intent_id"], "status": "succeeded", "amount_received": 1000, "currency": "usd"}
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: shop.event("payment_intent.succeeded", intent), range(6)))
    assert shop.balance(buyer)["purchased_credits"] == 10.0


def test_11_5_history_and_the_amount_really_paid(shop: Shop) -> None:
    buyer = shop.buyer()
    session = shop.post("/checkout-session", {"amount": 1000}, buyer).json()
    assert shop.event("checkout.session.completed", paid(session, payment_status="unpaid"))["success"]
    assert shop.balance(buyer)["purchased_credits"] == 0
    assert shop.event("checkout.session.completed", paid(session, 600))["success"]
    intent = {"id": f"pi_of_{session['session_id']}", "amount_received": 600, "currency": "usd"}
    shop.event("payment_intent.succeeded", {**intent, "metadata": {"payment_id": str(session["payment_id"])}})
    assert shop.balance(buyer)["purchased_credits"] == 6.0
    shown = shop.get("/api/stripe/payments", buyer).json()
    assert shown["total"] == 1 and shown["payments"][0]["status"] == "completed"


def test_11_5_refund_takes_back_what_is_left(shop: Shop) -> None:
    buyer = shop.buyer()
    session = shop.post("/checkout-session", {"amount": 1000}, buyer).json()
    shop.event("checkout.session.completed", paid(session))
    user_id = shop.balance(buyer)["user_id"]
    reason = {"user_id": user_id, "amount": -7, "reason": "spent for this test"}
    assert shop.client.post("/credits/adjust", json=reason, headers=buyer).status_code == 200
    charge = {"payment_intent": f"pi_of_{session['session_id']}", "amount_refunded": 1000, "currency": "usd"}
    for _ in range(2):
        assert shop.event("charge.refunded", charge)["success"]
    assert shop.balance(buyer)["total_credits"] == 0
    assert shop.get("/api/stripe/payments", buyer).json()["payments"][0]["status"] == "refunded"


def test_11_6_and_11_7_subscription(shop: Shop) -> None:
    buyer = shop.buyer()
    assert shop.get("/api/stripe/subscription", buyer).json()["has_subscription"] is False
    urls = {"success_url": "https://example.com/ok", "cancel_url": "https://example.com/no"}
    asked = {"price_id": "price_case", "product_id": "prod_pro", **urls}
    made = shop.post("/subscription-checkout", asked, buyer)
    assert made.status_code == 200 and made.json()["session_id"]
    user_id = shop.balance(buyer)["user_id"]
    items = {"data": [{"price": {"id": "price_case", "product": "prod_pro"}, "current_period_end": 1893456000}]}
    subject = {"id": "sub_1", "status": "active", "customer": "cus_1", "items": items}
    subject["metadata"] = {"user_id": str(user_id)}
    assert shop.event("customer.subscription.created", subject)["success"]
    shown = shop.get("/api/stripe/subscription", buyer).json()
    assert (shown["has_subscription"], shown["tier"], shown["status"]) == (True, "pro", "active")
    assert shop.balance(buyer)["subscription_allowance"] == 15.0
    invoice = {"id": "in_1", "subscription": "sub_1", "billing_reason": "subscription_cycle"}
    assert shop.event("invoice.paid", invoice, created=200)["success"]
    assert shop.balance(buyer)["subscription_allowance"] == 15.0
    assert shop.event("customer.subscription.deleted", {**subject, "status": "canceled"}, created=300)["success"]
    assert shop.event("customer.subscription.updated", subject, created=250)["success"]
    assert shop.balance(buyer)["subscription_allowance"] == 0
    assert shop.get("/api/stripe/subscription", buyer).json()["status"] == "canceled"


def test_11_8_forged_replayed_and_future_events_move_nothing(shop: Shop) -> None:
    buyer = shop.buyer()
    session = shop.post("/checkout-session", {"amount": 1000}, buyer).json()
    subject, kind = paid(session), "checkout.session.completed"
    body = msgspec.json.encode({"id": "evt_forged", "type": kind, "data": {"object": subject}})
    now = int(time.time())
    for signature in ("", "t=1,v1=abc", sign(body, "", now), sign(body, "other", now), sign(body, SECRET, now - 400)):
        assert shop.send(body, signature)["success"] is False
    assert shop.event(kind, subject, at=400)["success"] is False
    assert shop.balance(buyer)["purchased_credits"] == 0
    for _ in range(3):
        assert shop.event(kind, subject, id="evt_same")["success"]
    assert shop.balance(buyer)["purchased_credits"] == 10.0


def test_11_8_other_currency_is_not_credited(shop: Shop) -> None:
    buyer = shop.buyer()
    session = shop.post("/checkout-session", {"amount": 1000}, buyer).json()
    shop.event("checkout.session.completed", paid(session, currency="jpy"))
    assert shop.balance(buyer)["purchased_credits"] == 0


def test_a_payment_ends_the_trial_and_completes_a_referral_once(shop: Shop) -> None:
    referrer = shop.buyer()
    payer = shop.referred(shop.get("/referral/code", referrer).json()["referral_code"])
    assert shop.get("/trial/status", payer).json()["trial_status"]["status"] == "active"
    before = shop.get("/user/balance", payer).json()["credits"]
    session = shop.pay(1000, payer)
    intent = {"id": f"pi_of_{session['session_id']}", "amount_received": 1000, "currency": "usd"}
    assert shop.event("payment_intent.succeeded", intent)["success"]
    assert shop.get("/trial/status", payer).json()["trial_status"]["status"] == "converted"
    assert shop.get("/user/balance", payer).json()["credits"] - before == 20  # what was paid, and the bonus
    assert shop.balance(referrer)["purchased_credits"] == 10.0
    shop.pay(1000, payer)
    assert shop.balance(referrer)["purchased_credits"] == 10.0


@pytest.fixture
def subscriber(shop: Shop) -> tuple[dict[str, str], str]:
    """A buyer with an active subscription to `pro`, and the subscription's id."""
    buyer, id = shop.buyer(), f"sub_of_{next(_numbers)}"
    tags = {"user_id": str(shop.balance(buyer)["user_id"])}
    assert shop.event("customer.subscription.created", shop.stripe.subscribe(id, "prod_pro", metadata=tags))["success"]
    return buyer, id


def test_11_7_upgrade_and_downgrade(shop: Shop, subscriber: tuple[dict[str, str], str]) -> None:
    buyer, id = subscriber
    up = shop.post("/subscription/upgrade", {"new_price_id": "price_of_prod_max", "new_product_id": "prod_max"}, buyer)
    assert up.status_code == 200, up.text
    assert (up.json()["success"], up.json()["subscription_id"], up.json()["current_tier"]) == (True, id, "max")
    assert shop.stripe.seen[-1][1]["proration_behavior"] == "create_prorations"
    assert shop.balance(buyer)["subscription_allowance"] == 15.0  # until the processor says so
    assert shop.event("customer.subscription.updated", shop.stripe.objects[id], created=200)["success"]
    assert shop.balance(buyer)["subscription_allowance"] == 150.0
    asked = {"new_price_id": "price_of_prod_pro", "new_product_id": "prod_pro", "proration_behavior": "none"}
    down = shop.post("/subscription/downgrade", asked, buyer)
    assert down.status_code == 200 and down.json()["current_tier"] == "pro"
    shop.event("customer.subscription.updated", shop.stripe.objects[id], created=300)
    assert shop.get("/api/stripe/subscription", buyer).json()["tier"] == "pro"
    assert shop.balance(buyer)["subscription_allowance"] == 150.0  # what is paid for stays
    shop.event("invoice.paid", {"id": f"in_of_{id}", "subscription": id, "amount_paid": 800}, created=400)
    assert shop.balance(buyer)["subscription_allowance"] == 15.0


def test_11_7_cancel_at_the_end_and_now(shop: Shop, subscriber: tuple[dict[str, str], str]) -> None:
    buyer, id = subscriber
    later = shop.post("/subscription/cancel", {}, buyer)
    assert later.status_code == 200 and later.json()["status"] == "active"
    assert later.json()["effective_date"].startswith("2030-01-01")
    shop.event("customer.subscription.updated", shop.stripe.objects[id], created=200)
    shown = shop.get("/api/stripe/subscription", buyer).json()
    assert (shown["has_subscription"], shown["cancel_at_period_end"]) == (True, True)
    now = shop.post("/subscription/cancel", {"cancel_at_period_end": False}, buyer)
    assert now.status_code == 200 and now.json()["status"] == "canceled"
    shop.event("customer.subscription.deleted", shop.stripe.objects[id], created=300)
    assert shop.get("/api/stripe/subscription", buyer).json()["has_subscription"] is False
    assert shop.balance(buyer)["subscription_allowance"] == 0
    assert shop.post("/subscription/cancel", {}, buyer).status_code == 404


@pytest.mark.parametrize("path", ["upgrade", "downgrade", "cancel"])
def test_11_7_nothing_to_change(shop: Shop, path: str) -> None:
    asked = {"new_price_id": "price_x", "new_product_id": "prod_x"}
    assert shop.post(f"/subscription/{path}", asked, shop.buyer()).status_code == 404
    assert shop.post(f"/subscription/{path}", asked, {}).status_code == 401


def test_11_7_what_a_change_lacks_is_named(shop: Shop, subscriber: tuple[dict[str, str], str]) -> None:
    reply = shop.post("/subscription/upgrade", {"new_price_id": "p"}, subscriber[0])
    assert reply.status_code == 422 and reply.json()["error"]["param"] == "new_product_id"
    asked = {"new_price_id": "p", "new_product_id": "q", "proration_behavior": "sometimes"}
    assert shop.post("/subscription/upgrade", asked, subscriber[0]).status_code == 422


def test_refund_is_bounded_and_takes_credit_when_the_money_goes(shop: Shop) -> None:
    buyer, payer = shop.buyer(), shop.referred("")
    made = shop.post("/payment-intent", {"amount": 1000}, payer).json()
    asked: dict[str, Any] = {"payment_intent_id": made["payment_intent_id"]}
    assert shop.post("/refund", asked, payer).status_code == 403
    assert shop.post("/refund", asked, buyer).status_code == 400  # nothing was paid yet
    before = shop.get("/user/balance", payer).json()["credits"]
    intent = {"id": made["payment_intent_id"], "amount_received": 1000, "currency": "usd"}
    assert shop.event("payment_intent.succeeded", intent)["success"]
    over = shop.post("/refund", {**asked, "amount": 1001}, buyer)
    assert over.status_code == 400 and over.json()["error"]["param"] == "amount"
    given = shop.post("/refund", {**asked, "amount": 400, "reason": "requested_by_customer"}, buyer)
    assert given.status_code == 200 and given.json()["amount"] == 400 and given.json()["status"] == "succeeded"
    assert shop.get("/user/balance", payer).json()["credits"] - before == 10
    charge = {"payment_intent": made["payment_intent_id"], "amount_refunded": 400, "currency": "usd"}
    assert shop.event("charge.refunded", charge)["success"]
    assert shop.get("/user/balance", payer).json()["credits"] - before == 6
    assert shop.get("/api/stripe/payments", payer).json()["payments"][0]["status"] == "partially_refunded"
    assert shop.post("/refund", {**asked, "amount": 601}, buyer).status_code == 400
    assert shop.post("/refund", {"payment_intent_id": "pi_nobody"}, buyer).status_code == 404


def test_11_4_look_up_an_own_intent_only(shop: Shop) -> None:
    buyer, other = shop.buyer(), shop.buyer()
    made = shop.post("/payment-intent", {"amount": 700}, buyer).json()
    path = f"/api/stripe/payment-intent/{made['payment_intent_id']}"
    shown = shop.get(path, buyer)
    assert shown.status_code == 200 and shown.json()["amount"] == 700 and "client_secret" not in shown.json()
    assert shop.get(path, other).status_code == 404
    assert shop.get(path, {}).status_code == 401


def test_a_dispute_takes_the_credit_and_a_won_one_gives_it_again(shop: Shop) -> None:
    buyer = shop.buyer()
    session = shop.pay(1000, buyer)
    dispute = {"id": "dp_1", "payment_intent": f"pi_of_{session['session_id']}", "amount": 1000, "currency": "usd"}
    for kind, left, status in (("withdrawn", 0, "disputed"), ("reinstated", 10.0, "completed")):
        for _ in range(2):
            assert shop.event(f"charge.dispute.funds_{kind}", dispute)["success"]
        assert shop.balance(buyer)["purchased_credits"] == left
        assert shop.get("/api/stripe/payments", buyer).json()["payments"][0]["status"] == status
