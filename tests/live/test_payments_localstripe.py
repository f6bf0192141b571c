"""Subscriptions against localstripe, a Stripe that others wrote: its API, its events, its signatures.

It runs as a process of its own (GPL: never imported) and covers customers, payment methods, subscriptions and
invoices. emulate, the other one, is of no use here: its events have no ids and do not say what was received.
"""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

SECRET = "whsec_localstripe"
pytestmark = pytest.mark.skipif(importlib.util.find_spec("localstripe") is None, reason="localstripe is not installed")


@pytest.fixture(scope="module")
def stripe() -> Iterator[httpx.Client]:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=("sk_test_1", ""), timeout=20) as client:
            until(lambda: _answers(client))
            yield client
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def gateway(stripe: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = {
        "providers": {"local": {"enabled": False}},
        "plugins": ["providers.*", "routers.*", "billing.*", "payments.*"],
        "billing": {"use": "credits"},
        "payments": {
            "use": "stripe",
            "api_key": "sk_test_1",
            "webhook_secret": SECRET,
            "base_url": str(stripe.base_url).rstrip("/"),
        },
    }
    with GatewayProcess(tmp_path_factory.mktemp("localstripe"), config) as gateway:
        hook = {"url": f"{gateway.base}/api/stripe/webhook", "secret": SECRET}
        stripe.post("/_config/webhooks/gatewayz", data=hook).raise_for_status()
        for product, cents in (("prod_pro", 800), ("prod_max", 7500)):
            post(stripe, "/v1/products", name=product, type="service", id=product)
            post(
                stripe,
                "/v1/plans",
                id=f"plan_{product}",
                product=product,
                amount=cents,
                currency="usd",
                interval="month",
            )
        yield gateway


def until(holds: Callable[[], Any]) -> Any:
    for _ in range(200):
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def post(stripe: httpx.Client, path: str, **form: Any) -> Any:
    answer = stripe.post(path, data={name: str(value) for name, value in form.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/v1/customers").status_code == 200
    except httpx.TransportError:
        return False


def test_a_subscription_from_its_beginning_to_its_end(stripe: httpx.Client, gateway: GatewayProcess) -> None:
    account = gateway.create_user("subscriber@example.com", "--credits", "1")
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {account}"}, timeout=20) as user:
        user_id = user.get("/user/profile").json()["user_id"]
        customer = post(stripe, "/v1/customers", email="subscriber@example.com")["id"]
        card = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2031, "card[cvc]": 123}
        method = post(stripe, "/v1/payment_methods", type="card", **card)["id"]
        post(stripe, f"/v1/payment_methods/{method}/attach", customer=customer)
        post(stripe, f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": method})
        subscription = post(
            stripe,
            "/v1/subscriptions",
            customer=customer,
            **{"items[0][plan]": "plan_prod_pro", "metadata[user_id]": user_id},
        )["id"]

        def shown() -> Any:
            return user.get("/api/stripe/subscription").json()

        until(lambda: shown()["has_subscription"])
        assert (shown()["subscription_id"], shown()["tier"], shown()["status"]) == (subscription, "pro", "active")
        balance = until(lambda: (found := user.get("/user/balance").json())["subscription_allowance"] and found)
        assert balance["subscription_allowance"] == 15.0
        assert balance["purchased_credits"] == 1.0, "an invoice of a subscription buys no credit"

        ended = user.post("/api/stripe/subscription/cancel", json={"cancel_at_period_end": False})
        assert ended.status_code == 200, ended.text
        until(lambda: shown()["status"] == "canceled")
        until(lambda: user.get("/user/balance").json()["subscription_allowance"] == 0)
        assert user.get("/user/balance").json()["purchased_credits"] == 1.0


def test_a_forged_event_of_the_same_shape_moves_nothing(stripe: httpx.Client, gateway: GatewayProcess) -> None:
    account = gateway.create_user("forged@example.com")
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {account}"}, timeout=20) as user:
        hook = {"url": f"{gateway.base}/api/stripe/webhook", "secret": "whsec_of_somebody_else"}
        stripe.post("/_config/webhooks/gatewayz", data=hook).raise_for_status()
        customer = post(stripe, "/v1/customers", email="forged@example.com")["id"]
        card = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2031, "card[cvc]": 123}
        method = post(stripe, "/v1/payment_methods", type="card", **card)["id"]
        post(stripe, f"/v1/payment_methods/{method}/attach", customer=customer)
        post(stripe, f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": method})
        user_id = user.get("/user/profile").json()["user_id"]
        post(
            stripe,
            "/v1/subscriptions",
            customer=customer,
            **{"items[0][plan]": "plan_prod_max", "metadata[user_id]": user_id},
        )
        time.sleep(1.0)  # it has been delivered by then, as the test above shows
        assert user.get("/api/stripe/subscription").json()["has_subscription"] is False
        assert user.get("/user/balance").json()["subscription_allowance"] == 0
