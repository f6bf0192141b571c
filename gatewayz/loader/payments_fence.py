"""The fence round a payment processor: it does as asked, refuses, or fails as a broken upstream.

Money may have moved when a call fails: nothing is tried again here, the processor's events tell.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, Final, NoReturn, TypeVar, get_args

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.errors import RequestError, ServiceError, UpstreamBroken, UpstreamError
from gatewayz.sdk.payments import (
    Checkout,
    CheckoutRequest,
    Intent,
    IntentRequest,
    Notice,
    PaymentProcessor,
    RefundReceipt,
    SubscriptionCheckoutRequest,
    SubscriptionState,
    WebhookEvent,
)

__all__ = ["FencedPayments"]

T = TypeVar("T")
_NOTICES: Final = get_args(Notice)


class FencedPayments:
    """A processor that raises RequestError, ServiceError or UpstreamError classes and nothing else."""

    def __init__(self, name: str, inner: PaymentProcessor) -> None:
        self.inner = inner
        self._faults = Faults(f"payment processor {name!r}")

    async def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """As `PaymentProcessor.create_checkout`."""
        return await self._ask(Checkout, self.inner.create_checkout, request)

    async def find_checkout(self, session_id: str) -> Checkout:
        """As `PaymentProcessor.find_checkout`."""
        return await self._ask(Checkout, self.inner.find_checkout, session_id)

    async def create_intent(self, request: IntentRequest) -> Intent:
        """As `PaymentProcessor.create_intent`."""
        return await self._ask(Intent, self.inner.create_intent, request)

    async def find_intent(self, intent_id: str) -> Intent:
        """As `PaymentProcessor.find_intent`."""
        return await self._ask(Intent, self.inner.find_intent, intent_id)

    async def create_subscription_checkout(self, request: SubscriptionCheckoutRequest) -> Checkout:
        """As `PaymentProcessor.create_subscription_checkout`."""
        return await self._ask(Checkout, self.inner.create_subscription_checkout, request)

    async def change_subscription(self, subscription_id: str, price_id: str, proration: str) -> SubscriptionState:
        """As `PaymentProcessor.change_subscription`."""
        return await self._ask(SubscriptionState, self.inner.change_subscription, subscription_id, price_id, proration)

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> SubscriptionState:
        """As `PaymentProcessor.cancel_subscription`."""
        cancel = partial(self.inner.cancel_subscription, at_period_end=at_period_end)
        return await self._ask(SubscriptionState, cancel, subscription_id)

    async def refund(self, intent_id: str, amount: int | None, reason: str | None, key: str) -> RefundReceipt:
        """As `PaymentProcessor.refund`."""
        return await self._ask(RefundReceipt, self.inner.refund, intent_id, amount, reason, key)

    def verify_webhook(self, body: bytes, signature: str, now: datetime) -> WebhookEvent:
        """As `PaymentProcessor.verify_webhook`; an event that could not be looked at is sent again (502)."""
        try:
            event: Any = self.inner.verify_webhook(body, signature, now)
        except FOREIGN as err:
            self._refuse(err, "verify_webhook")
        return event if isinstance(event, WebhookEvent) else self._junk(event, "verify_webhook")

    async def read_event(self, body: str) -> Notice | None:
        """As `PaymentProcessor.read_event`."""
        try:
            notice: Any = await self.inner.read_event(body)
        except FOREIGN as err:
            self._refuse(err, "read_event")
        if notice is not None and not isinstance(notice, _NOTICES):
            self._junk(notice, "read_event")
        read: Notice | None = notice
        return read

    async def aclose(self) -> None:
        """As `PaymentProcessor.aclose`."""
        await self.inner.aclose()

    async def _ask(self, kind: type[T], method: Callable[..., Awaitable[T]], *arguments: object) -> T:
        doing = getattr(method.func if isinstance(method, partial) else method, "__name__", "a call")
        try:
            answer: Any = await method(*arguments)
        except FOREIGN as err:
            self._refuse(err, doing)
        return answer if isinstance(answer, kind) else self._junk(answer, doing)

    def _refuse(self, err: BaseException, doing: str) -> NoReturn:
        if isinstance(err, RequestError | ServiceError | UpstreamError):
            raise err
        self._faults.log(err, doing)
        raise UpstreamBroken("the payment processor's plugin failed") from err

    def _junk(self, answer: object, doing: str) -> NoReturn:
        self._refuse(TypeError(f"{doing} gave a {type(answer).__name__}"), doing)
