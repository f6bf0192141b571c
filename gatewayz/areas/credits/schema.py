"""Bodies and query parameters of `/credits`. Source: spec 04 §1."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["AddBody", "AdjustBody", "BalanceQuery", "BulkAddBody", "RefundBody", "SummaryQuery"]

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Meta(min_length=10, max_length=500)]
Text = Annotated[str, Meta(max_length=500)]
Dollars = Decimal
"""A JSON number or a decimal string; its bounds are checked with the meaning of the route."""


class BalanceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /credits/balance`; without an id the caller's own."""

    user_id: Id | None = None


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /credits/summary`; without an id the whole system."""

    user_id: Id | None = None
    from_date: str | None = None
    to_date: str | None = None


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    amount: Dollars
    reason: Reason
    description: Text | None = None
    metadata: dict[str, Any] = {}


class AddBody(_Change, frozen=True, kw_only=True):
    """`POST /credits/add`."""

    user_id: Id


class AdjustBody(_Change, frozen=True, kw_only=True):
    """`POST /credits/adjust`; the amount has a sign."""

    user_id: Id


class BulkAddBody(_Change, frozen=True, kw_only=True):
    """`POST /credits/bulk-add`."""

    user_ids: Annotated[list[Id], Meta(min_length=1, max_length=100)]


class RefundBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /credits/refund`."""

    user_id: Id
    amount: Dollars
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    original_transaction_id: int | str | None = None
    metadata: dict[str, Any] = {}
