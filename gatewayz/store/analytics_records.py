"""Values of the analytics aggregate, and what the domain needs of a store for it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["AnalyticsEvent", "AnalyticsStore", "EventFilter"]


class AnalyticsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened in a client."""

    id: int
    """Carries its moment (`store.moment_id`)."""
    name: str
    user_id: int | None
    """Whose key sent it."""
    claimed_user: str | None
    """Who it says it is about: nobody has checked that."""
    session_id: str | None
    value: str | None
    """JSON."""
    metadata: str | None
    """JSON."""


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events; None is all."""

    name: str | None = None
    session_id: str | None = None
    before: int | None = None
    """Only ids below this."""
    limit: int = 100


class AnalyticsStore(Protocol):
    """Events of clients. Every method raises StoreUnavailable."""

    async def append(self, events: Sequence[AnalyticsEvent]) -> None:
        """Write events; those whose id is there already are passed over, so a write may be repeated."""
        ...

    async def list_events(self, wanted: EventFilter) -> Sequence[AnalyticsEvent]:
        """Return events, newest first."""
        ...

    async def prune(self, before: int, keep: int) -> int:
        """Forget events with ids below `before`, and all but the newest `keep`; return how many went."""
        ...
