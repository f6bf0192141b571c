from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gatewayz.loader.payments_fence import FencedPayments
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken, UpstreamUnreachable
from gatewayz.sdk.payments import (
    Checkout,
    CheckoutRequest,
    Intent,
    IntentRequest,
    PaymentRefused,
    PaymentsNotConfigured,
    RefundReceipt,
    SubscriptionCheckoutRequest,
    SubscriptionState,
    UnpaidNotice,
    WebhookEvent,
    WebhookRejected,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = CheckoutRequest(payment_id=1, user_id=1, amount=1, currency="usd", description="", success_url="", cancel_url="")
INTENT = IntentRequest(payment_id=1, user_id=1, amount=1, currency="usd", description="")
SUBSCRIBE = SubscriptionCheckoutRequest(
    user_id=1, price_id="p", mode="subscription", success_url="", cancel_url="", key="k"
)
CHECKOUT = Checkout(id="c", url=None, status="open", payment_status="unpaid", amount_total=1, currency="usd")
STATE = SubscriptionState(id="s", status="active")


class Fake:
    """A processor whose every method does what it is told: returns or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def _act(self, *_: Any, **__: Any) -> Any:
        return self.verify_webhook()

    create_checkout = find_checkout = create_intent = find_intent = create_subscription_checkout = _act
    change_subscription = cancel_subscription = refund = read_event = _act

    def verify_webhook(self, *_: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def aclose(self) -> None: ...


async def verify(fenced: FencedPayments) -> WebhookEvent:
    return fenced.verify_webhook(b"", "", NOW)


Call = Callable[[FencedPayments], Any]
CALLS: dict[str, tuple[Call, Any]] = {
    "create_checkout": (lambda fenced: fenced.create_checkout(PAGE), CHECKOUT),
    "find_checkout": (lambda fenced: fenced.find_checkout("c"), CHECKOUT),
    "create_intent": (
        lambda fenced: fenced.create_intent(INTENT),
        Intent(id="i", client_secret=None, status="new", amount=1, currency="usd"),
    ),
    "find_intent": (
        lambda fenced: fenced.find_intent("i"),
        Intent(id="i", client_secret=None, status="new", amount=1, currency="usd"),
    ),
    "create_subscription_checkout": (lambda fenced: fenced.create_subscription_checkout(SUBSCRIBE), CHECKOUT),
    "change_subscription": (lambda fenced: fenced.change_subscription("s", "p", "none"), STATE),
    "cancel_subscription": (lambda fenced: fenced.cancel_subscription("s", at_period_end=True), STATE),
    "refund": (
        lambda fenced: fenced.refund("i", None, None, "k"),
        RefundReceipt(id="r", status="done", amount=1, currency="usd"),
    ),
    "verify_webhook": (verify, WebhookEvent(id="e", type="t", body="{}")),
    "read_event": (
        lambda fenced: fenced.read_event("{}"),
        UnpaidNotice(payment_id=1, session_id=None, intent_id=None, status="failed"),
    ),
}


@pytest.mark.parametrize("method", CALLS)
async def test_a_right_answer_passes(method: str) -> None:
    call, answer = CALLS[method]
    assert await call(FencedPayments("stripe", Fake(answer))) is answer


async def test_an_event_that_concerns_nobody_passes() -> None:
    assert await FencedPayments("stripe", Fake(None)).read_event("{}") is None


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("error", [ValueError("canary"), KeyError("x"), SystemExit(1), GatewayzError("bare canary")])
async def test_a_foreign_exception_is_a_broken_processor_logged_whole_once(
    method: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    fenced = FencedPayments("stripe", Fake(error))
    for _ in range(2):
        with pytest.raises(UpstreamBroken, match="processor's plugin failed") as caught:
            await CALLS[method][0](fenced)
        assert caught.value.status == 502 and "canary" not in caught.value.message
    assert [record.exc_info is not None for record in caplog.records] == [True, False]
    assert "payment processor 'stripe': " in caplog.text


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("junk", [5, "text", {"id": 1}])
async def test_a_junk_answer_is_a_broken_processor(method: str, junk: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UpstreamBroken):
        await CALLS[method][0](FencedPayments("stripe", Fake(junk)))
    assert f"gave a {type(junk).__name__}" in caplog.text


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "error",
    [PaymentRefused("no"), WebhookRejected("forged"), PaymentsNotConfigured("off"), UpstreamUnreachable("gone")],
)
async def test_errors_of_the_contract_pass(method: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(type(error)) as caught:
        await CALLS[method][0](FencedPayments("stripe", Fake(error)))
    assert caught.value is error and not caplog.records
