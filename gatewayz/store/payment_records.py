"""Payments, events and subscriptions as the store keeps them; amounts in the smallest unit of the currency."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

__all__ = ["InboxEvent", "NewPayment", "Payment", "Subscription"]


class NewPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that is about to begin."""

    user_id: int
    processor: str
    amount: int
    credit: int
    """Cents of credit for the whole amount."""
    currency: str
    description: str | None
    metadata: Mapping[str, str]


class Payment(NewPayment, frozen=True, kw_only=True):
    """A payment."""

    id: int
    status: str
    """pending, completed, failed, expired, refunded, partially_refunded, disputed, mismatch."""
    session_id: str | None
    intent_id: str | None
    method: str | None
    paid: int
    """What really came."""
    returned: int
    """What went back of it."""
    created_at: datetime
    completed_at: datetime | None


class InboxEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A verified event that waits to be processed."""

    id: str
    type: str
    body: str
    attempts: int


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription of a user."""

    user_id: int
    processor: str
    customer_id: str | None
    subscription_id: str
    status: str
    tier: str
    product_id: str | None
    price_id: str | None
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    as_of: datetime
    """When the processor made the newest event that was taken over."""
