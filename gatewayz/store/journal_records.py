"""The journal of money as lists and sums show it; amounts in nano-dollars."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from gatewayz.store.ledger_records import EntryRow

__all__ = ["EntryFilter", "EntryPage", "KindSum", "MoneyTotals", "SortBy"]

SortBy = Literal["created_at", "amount", "transaction_type"]


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; None does not restrict. Amounts are the customer's change: below zero for charges."""

    user_id: int | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    min_amount: int | None = None
    max_amount: int | None = None
    direction: Literal["credit", "charge"] | None = None
    payment_id: int | None = None


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the entries, and how many there are."""

    entries: Sequence[EntryRow]
    total: int


class KindSum(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of one kind."""

    count: int
    added: int
    used: int


class MoneyTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Users, and what they have."""

    users: int
    held_by_users: int
    by_kind: Mapping[str, KindSum]
