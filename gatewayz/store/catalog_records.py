"""Values of the catalog aggregate: what providers list, and how asking them went."""

from datetime import datetime
from typing import Literal

import msgspec

from gatewayz.sdk.offers import Price

__all__ = ["Kind", "Listed", "ListedModel", "ProviderList", "State", "SyncRun", "SyncTotals"]

State = Literal["priced", "confirmed", "unpriced", "refused"]
"""`priced`: the list states its price · `confirmed`: the price is known otherwise · `unpriced`: nobody knows
it, so it is kept out · `refused`: the stated price cannot be right."""
Kind = Literal["incremental", "full", "provider"]


class Listed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a list says of a model; None is unknown."""

    name: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    created: int | None = None
    """Unix seconds."""
    features: tuple[str, ...] | None = None
    price: Price | None = None


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in a provider's own list."""

    provider: str
    native: str
    """The provider's own id."""
    model: str
    """Canonical id."""
    state: State
    facts: Listed
    is_active: bool = True
    """False: it has been missing from the list for some time."""


class ProviderList(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one provider's list; counts are those of the last good one."""

    provider: str
    last_run_at: datetime
    last_success_at: datetime | None = None
    last_error: str | None = None
    """Of the last run; None when it went well."""
    duration_s: float = 0.0
    listed: int = 0
    priced: int = 0
    confirmed: int = 0
    unpriced: int = 0
    refused: int = 0


class SyncRun(msgspec.Struct, frozen=True, kw_only=True):
    """One round of asking providers."""

    id: int
    kind: Kind
    started_at: datetime
    ended_at: datetime | None
    """None while it runs, and for ever when its process died."""
    providers: int
    """To be asked."""
    done: int
    failed: int
    changed: int
    """Rows that were not as before."""
    error: str | None


class SyncTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Over the runs that are kept."""

    runs: int
    successful: int
    """Ended, with every provider's list read."""
    failed: int
