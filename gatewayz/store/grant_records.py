"""Promised value as the store keeps it; amounts in nano-dollars."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

__all__ = ["Account", "Grant", "NewGrant"]

Account = Literal["trial", "purchased"]


class NewGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Value to be promised; the key makes it once."""

    key: str
    user_id: int
    kind: str
    """Type of the transaction: `trial`, `bonus`."""
    account: Account
    amount: int
    details: Mapping[str, Any] = {}


class Grant(NewGrant, frozen=True, kw_only=True):
    """Promised value."""

    id: int
    created_at: datetime
    entry_id: int | None
    """The ledger's entry; None until it is booked."""
    before: int | None
    after: int | None
    """The customer's total before and after."""
