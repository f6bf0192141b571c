"""Bodies and query parameters of `/api/stripe`; amounts in cents. Source: spec 04 §4."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["CancelBody", "ChangeBody", "CheckoutBody", "IntentBody", "PageQuery", "RefundBody", "SubscribeBody"]

Cents = Annotated[int, Meta(ge=50, le=99_999_999)]
Url = Annotated[str, Meta(max_length=2000, pattern="^https?://")]
Id = Annotated[str, Meta(min_length=1, max_length=255)]
Email = Annotated[str, Meta(max_length=320)]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=500)]], Meta(max_length=40)
]
Currency = Literal["usd", "eur", "gbp", "cad", "aud"]


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    """A body; members it does not know are passed over."""


class CheckoutBody(_Body, frozen=True, kw_only=True):
    """`POST /checkout-session`."""

    amount: Cents
    credit_value: Cents | None = None
    currency: Currency = "usd"
    success_url: Url | None = None
    cancel_url: Url | None = None
    customer_email: Email | None = None
    metadata: Metadata = {}
    description: Annotated[str, Meta(max_length=500)] | None = None


class IntentBody(_Body, frozen=True, kw_only=True):
    """`POST /payment-intent`."""

    amount: Cents
    currency: Currency = "usd"
    payment_method_types: Annotated[list[Id], Meta(max_length=10)] | None = None
    customer_email: Email | None = None
    description: Annotated[str, Meta(max_length=500)] | None = None
    metadata: Metadata = {}
    automatic_payment_methods: bool = True


class SubscribeBody(_Body, frozen=True, kw_only=True):
    """`POST /subscription-checkout`."""

    price_id: Id
    product_id: Id
    success_url: Url
    cancel_url: Url
    customer_email: Email | None = None
    mode: Literal["subscription", "payment", "setup"] = "subscription"
    metadata: Metadata = {}


class ChangeBody(_Body, frozen=True, kw_only=True):
    """`POST /subscription/upgrade`, `/subscription/downgrade`."""

    new_price_id: Id
    new_product_id: Id
    proration_behavior: Literal["create_prorations", "always_invoice", "none"] = "create_prorations"


class CancelBody(_Body, frozen=True, kw_only=True):
    """`POST /subscription/cancel`."""

    cancel_at_period_end: bool = True
    reason: Annotated[str, Meta(max_length=500)] | None = None


class RefundBody(_Body, frozen=True, kw_only=True):
    """`POST /refund`."""

    payment_intent_id: Id
    amount: Annotated[int, Meta(ge=1, le=99_999_999)] | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class PageQuery(_Body, frozen=True, kw_only=True):
    """`GET /payments`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
