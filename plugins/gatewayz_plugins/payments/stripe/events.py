"""What Stripe's events mean. Source: docs.stripe.com/api/events/types, read 2026-11."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from gatewayz.sdk.payments import (
    DisputeNotice,
    InvoiceNotice,
    Notice,
    PaidNotice,
    RefundNotice,
    SubscriptionNotice,
    SubscriptionState,
    UnpaidNotice,
)

__all__ = ["moment", "object_id", "read_notice", "subscription_state"]

_SUBSCRIPTION_EVENTS: Final[Mapping[str, Literal["created", "updated", "deleted"]]] = {
    "customer.subscription.created": "created",
    "customer.subscription.updated": "updated",
    "customer.subscription.deleted": "deleted",
}
_INTENT_FAILURES: Final = ("payment_intent.payment_failed", "payment_intent.canceled")
_INVOICE_EVENTS: Final = {"invoice.paid": True, "invoice.payment_succeeded": True, "invoice.payment_failed": False}
"""Whether it is paid; the first two tell of the same, and an invoice is booked once."""
_CHECKOUT_PAID: Final = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


def read_notice(event: Mapping[str, Any]) -> Notice | None:
    """Return what an event means; None when it moves nothing."""
    kind: str = event["type"]
    subject: Mapping[str, Any] = event["data"]["object"]
    if kind in _CHECKOUT_PAID:
        return _paid_checkout(subject)
    if kind in ("checkout.session.expired", "checkout.session.async_payment_failed"):
        status: Literal["failed", "expired"] = "expired" if kind.endswith("expired") else "failed"
        return UnpaidNotice(payment_id=_ours(subject), session_id=subject["id"], intent_id=None, status=status)
    if kind == "payment_intent.succeeded":
        return _paid_intent(subject)
    if kind in _INTENT_FAILURES:
        return UnpaidNotice(payment_id=_ours(subject), session_id=None, intent_id=subject["id"], status="failed")
    if kind == "charge.refunded":
        intent = object_id(subject.get("payment_intent"))
        if intent is None:
            return None
        return RefundNotice(intent_id=intent, returned=subject["amount_refunded"], currency=subject["currency"])
    if kind in ("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"):
        return _dispute(subject, "taken" if kind.endswith("withdrawn") else "won")
    if kind in _SUBSCRIPTION_EVENTS:
        return SubscriptionNotice(
            event=_SUBSCRIPTION_EVENTS[kind],
            user_id=_number(subject.get("metadata"), "user_id"),
            state=subscription_state(subject),
            at=datetime.fromtimestamp(event.get("created", 0), UTC),
        )
    if kind in _INVOICE_EVENTS:
        return _invoice(subject, is_paid=_INVOICE_EVENTS[kind], at=event.get("created", 0))
    return None


def subscription_state(subject: Mapping[str, Any]) -> SubscriptionState:
    """Return a subscription; its period stands with its items since API version 2025-03-31."""
    items = (subject.get("items") or {}).get("data") or [{}]
    item: Mapping[str, Any] = items[0]
    price = item.get("price") or item.get("plan") or {}
    return SubscriptionState(
        id=subject["id"],
        status=subject["status"],
        customer_id=object_id(subject.get("customer")),
        product_id=object_id(price.get("product")),
        price_id=price.get("id"),
        period_start=moment(subject.get("current_period_start") or item.get("current_period_start")),
        period_end=moment(subject.get("current_period_end") or item.get("current_period_end")),
        cancel_at_period_end=bool(subject.get("cancel_at_period_end")),
        canceled_at=moment(subject.get("canceled_at")),
    )


def moment(seconds: int | None) -> datetime | None:
    """Return the moment of a Unix time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def object_id(value: Any) -> str | None:
    """Return the id of an object that may be there whole or by its id."""
    found: str | None = value.get("id") if isinstance(value, Mapping) else value
    return found


def _paid_checkout(subject: Mapping[str, Any]) -> Notice | None:
    """Return a payment; a page that ended without money (or with it still on its way) moves nothing."""
    if subject.get("mode", "payment") != "payment" or subject.get("payment_status") != "paid":
        return None
    if subject.get("amount_total") is None or subject.get("currency") is None:
        return None  # the payment intent tells how much
    return PaidNotice(
        payment_id=_ours(subject),
        session_id=subject["id"],
        intent_id=object_id(subject.get("payment_intent")),
        amount=subject["amount_total"],
        currency=subject["currency"],
    )


def _paid_intent(subject: Mapping[str, Any]) -> Notice | None:
    if subject.get("status", "succeeded") != "succeeded" or "amount_received" not in subject:
        return None
    kinds = subject.get("payment_method_types") or [None]
    return PaidNotice(
        payment_id=_ours(subject),
        session_id=None,
        intent_id=subject["id"],
        amount=subject["amount_received"],
        currency=subject["currency"],
        method=kinds[0],
    )


def _dispute(subject: Mapping[str, Any], state: Literal["taken", "won"]) -> Notice | None:
    intent = object_id(subject.get("payment_intent"))
    if intent is None:
        return None
    return DisputeNotice(
        dispute_id=subject["id"], intent_id=intent, amount=subject["amount"], currency=subject["currency"], state=state
    )


def _invoice(subject: Mapping[str, Any], *, is_paid: bool, at: int) -> Notice | None:
    parent = (subject.get("parent") or {}).get("subscription_details") or {}
    subscription = object_id(subject.get("subscription") or parent.get("subscription"))
    if subscription is None:
        return None
    return InvoiceNotice(
        invoice_id=subject["id"],
        subscription_id=subscription,
        is_paid=is_paid,
        is_update=subject.get("billing_reason") == "subscription_update",
        at=datetime.fromtimestamp(at, UTC),
        amount=(subject.get("amount_paid") or 0) if is_paid else 0,
        currency=subject.get("currency") or "usd",
    )


def _ours(subject: Mapping[str, Any]) -> int | None:
    return _number(subject.get("metadata"), "payment_id")


def _number(metadata: Mapping[str, str] | None, name: str) -> int | None:
    text = str((metadata or {}).get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
