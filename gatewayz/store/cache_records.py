"""What the response cache keeps in the database: no answers, only when it was cleared and what it did."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

__all__ = ["CacheStore", "CacheTotals", "CachedModel"]


class CachedModel(msgspec.Struct, frozen=True, kw_only=True):
    """Hits of one model; money is nano-dollars."""

    model: str
    hits: int
    saved: int


class CacheTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What calls that asked the cache found; money is nano-dollars."""

    hits: int
    misses: int
    saved: int
    models: Sequence[CachedModel] = ()
    """Those with most hits, the first one most."""


class CacheStore(Protocol):
    """Raises StoreUnavailable."""

    async def generation(self) -> int:
        """Return how often the cache was cleared."""
        ...

    async def clear(self) -> int:
        """Note that it is cleared; return the new generation."""
        ...

    async def totals(self, *, user_id: int | None, since: datetime | None, models: int) -> CacheTotals:
        """Return what the calls of one user, or everybody's, found since a moment, with so many of the models."""
        ...
