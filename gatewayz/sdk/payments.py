"""Taking money: the protocol of payment processors, and what their events mean.

Amounts are whole numbers of the smallest unit of a currency (cents). A processor's events come in
any order and more than once; whoever reads them books each payment once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from gatewayz.sdk.errors import RequestError, ServiceError

__all__ = [
    "Checkout",
    "CheckoutRequest",
    "DisputeNotice",
    "Intent",
    "IntentRequest",
    "InvoiceNotice",
    "Notice",
    "PaidNotice",
    "PaymentProcessor",
    "PaymentRefused",
    "PaymentsNotConfigured",
    "RefundNotice",
    "RefundReceipt",
    "SubscriptionCheckoutRequest",
    "SubscriptionNotice",
    "SubscriptionState",
    "UnpaidNotice",
    "WebhookEvent",
    "WebhookRejected",
]

NO_METADATA: Mapping[str, str] = {}


class PaymentsNotConfigured(ServiceError):
    """This gateway takes no payments."""

    default_code = "PAYMENTS_NOT_CONFIGURED"


class PaymentRefused(RequestError):
    """The processor refused what it was asked."""

    default_code = "PAYMENT_FAILED"


class WebhookRejected(RequestError):
    """An event is not signed by the processor, or not now."""

    default_code = "INVALID_SIGNATURE"


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    """Compared by value."""


class CheckoutRequest(_Value, frozen=True, kw_only=True):
    """A one-time payment on the processor's page."""

    payment_id: int
    """Ours; comes back in every event."""
    user_id: int
    amount: int
    currency: str
    description: str
    success_url: str
    cancel_url: str
    customer_email: str | None = None
    price_id: str | None = None
    metadata: Mapping[str, str] = NO_METADATA


class IntentRequest(_Value, frozen=True, kw_only=True):
    """A one-time payment on the caller's own page."""

    payment_id: int
    user_id: int
    amount: int
    currency: str
    description: str
    customer_email: str | None = None
    method_types: tuple[str, ...] = ()
    """Empty lets the processor choose."""
    metadata: Mapping[str, str] = NO_METADATA


class SubscriptionCheckoutRequest(_Value, frozen=True, kw_only=True):
    """A subscription on the processor's page."""

    user_id: int
    price_id: str
    mode: Literal["subscription", "payment", "setup"]
    success_url: str
    cancel_url: str
    key: str
    """A repeat with the same key makes no second session."""
    customer_email: str | None = None
    customer_id: str | None = None
    metadata: Mapping[str, str] = NO_METADATA


class Checkout(_Value, frozen=True, kw_only=True):
    """A payment page."""

    id: str
    url: str | None
    status: str
    payment_status: str
    amount_total: int | None
    currency: str | None
    customer_email: str | None = None
    customer_id: str | None = None
    intent_id: str | None = None
    expires_at: datetime | None = None


class Intent(_Value, frozen=True, kw_only=True):
    """A payment in progress."""

    id: str
    client_secret: str | None
    status: str
    amount: int
    currency: str
    next_action: Mapping[str, object] | None = None


class SubscriptionState(_Value, frozen=True, kw_only=True):
    """A subscription as the processor has it."""

    id: str
    status: str
    customer_id: str | None = None
    product_id: str | None = None
    price_id: str | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = None


class RefundReceipt(_Value, frozen=True, kw_only=True):
    """Money on its way back."""

    id: str
    status: str
    amount: int
    currency: str


class WebhookEvent(_Value, frozen=True, kw_only=True):
    """A verified event; `body` is what was signed."""

    id: str
    type: str
    body: str


class PaidNotice(_Value, frozen=True, kw_only=True):
    """Money has arrived."""

    payment_id: int | None
    session_id: str | None
    intent_id: str | None
    amount: int
    currency: str
    method: str | None = None


class UnpaidNotice(_Value, frozen=True, kw_only=True):
    """A payment failed, or its page expired."""

    payment_id: int | None
    session_id: str | None
    intent_id: str | None
    status: Literal["failed", "expired"]


class RefundNotice(_Value, frozen=True, kw_only=True):
    """`returned` is all that has gone back of a payment so far."""

    intent_id: str
    returned: int
    currency: str


class DisputeNotice(_Value, frozen=True, kw_only=True):
    """A customer's bank takes a payment back, or gives it again."""

    dispute_id: str
    intent_id: str
    amount: int
    currency: str
    state: Literal["taken", "won"]


class SubscriptionNotice(_Value, frozen=True, kw_only=True):
    """A subscription began, changed or ended."""

    event: Literal["created", "updated", "deleted"]
    user_id: int | None
    state: SubscriptionState
    at: datetime
    """When the processor made the event: an older one changes nothing."""


class InvoiceNotice(_Value, frozen=True, kw_only=True):
    """A period of a subscription was paid, or was not."""

    invoice_id: str
    subscription_id: str
    is_paid: bool
    is_update: bool
    """It settles a change of tier; the allowance was given with that."""
    at: datetime
    amount: int = 0
    """What was paid of it."""
    currency: str = "usd"


Notice = PaidNotice | UnpaidNotice | RefundNotice | DisputeNotice | SubscriptionNotice | InvoiceNotice


class PaymentProcessor(Protocol):
    """Takes money. What calls out raises PaymentRefused, PaymentsNotConfigured or UpstreamError classes."""

    async def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page."""
        ...

    async def find_checkout(self, session_id: str) -> Checkout:
        """Return a payment page."""
        ...

    async def create_intent(self, request: IntentRequest) -> Intent:
        """Begin a payment."""
        ...

    async def find_intent(self, intent_id: str) -> Intent:
        """Return a payment."""
        ...

    async def create_subscription_checkout(self, request: SubscriptionCheckoutRequest) -> Checkout:
        """Open a page to subscribe."""
        ...

    async def change_subscription(self, subscription_id: str, price_id: str, proration: str) -> SubscriptionState:
        """Move a subscription to another price."""
        ...

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> SubscriptionState:
        """End a subscription, now or with what is paid."""
        ...

    async def refund(self, intent_id: str, amount: int | None, reason: str | None, key: str) -> RefundReceipt:
        """Give a payment back, or a part of it, once for each key."""
        ...

    def verify_webhook(self, body: bytes, signature: str, now: datetime) -> WebhookEvent:
        """Return the event. Raises WebhookRejected: forged, too old, from the future, not an event."""
        ...

    async def read_event(self, body: str) -> Notice | None:
        """Return what a verified event means; None when it concerns nobody here."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
