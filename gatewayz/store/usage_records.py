"""What administrators ask the usage log for."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["GroupColumn", "UsageApp", "UsageFilter", "UsageGroup", "UsageTotals", "UserTotals", "Wallets"]

GroupColumn = Literal["model", "provider"]


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls; all where nothing is said."""

    model: str | None = None
    """Canonical id, or what was asked for where no model was found."""
    provider: str | None = None
    name: str | None = None
    """A part of the model's name, whatever its case."""
    key_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Calls before this moment."""


class UsageTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums; money is nano-dollars."""

    requests: int
    failed_requests: int
    """Answered with an error, callers that left (499) not among them."""
    input_tokens: int
    output_tokens: int
    duration_ms: int
    cost: int
    charged: int
    users: int
    """Different ones."""


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one model or provider."""

    name: str
    requests: int
    tokens: int
    charged: int


class UsageApp(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one application: of one address, or of one name where it told no address."""

    name: str
    url: str | None
    requests: int
    tokens: int


class UserTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What one user did."""

    user_id: int
    requests: int
    tokens: int
    charged: int


class Wallets(msgspec.Struct, frozen=True, kw_only=True):
    """What all customers have, in nano-dollars."""

    spendable: int
    held: int
