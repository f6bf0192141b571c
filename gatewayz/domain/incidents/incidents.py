"""Incidents as every process knows them: those under way from memory, the others from the store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, ResourceNotFound, StoreUnavailable
from gatewayz.store.incident_records import Incident, IncidentFilter, IncidentTotals, Opening, Subject

__all__ = ["IncidentStore", "Incidents"]

_ENDED: Final = "Ended by an administrator."


class IncidentStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def list_active(self) -> Sequence[Incident]:
        """Return what has not ended, oldest first."""
        ...

    async def list_ends(self, since: datetime) -> Mapping[Subject, datetime]:
        """Return when each subject's newest incident ended, of those that ended since."""
        ...

    async def list_newest(self, wanted: IncidentFilter, limit: int) -> Sequence[Incident]:
        """Return incidents, newest first."""
        ...

    async def totals(self) -> IncidentTotals:
        """Return how many are kept, and how many of them have not ended."""
        ...

    async def open(self, openings: Sequence[Opening], now: datetime) -> None:
        """Begin incidents; those whose subject has an active one are passed over."""
        ...

    async def update(self, changed: Sequence[Incident]) -> None:
        """Write what was learnt of incidents, those that have ended meanwhile left out; notes of people stay."""
        ...

    async def annotate(
        self, incident_id: int, notes: str | None, *, resolved_at: datetime | None = None, actor: str | None = None
    ) -> Incident | None:
        """Have a person's notes on an incident, and end it when `resolved_at` is given; None when that cannot be."""
        ...

    async def find(self, incident_id: int) -> Incident | None:
        """Return one."""
        ...

    async def prune(self, before: datetime) -> None:
        """Forget those that ended before a moment."""
        ...


class Incidents:
    """What endpoints ask; while the store is away, what was read last holds."""

    def __init__(self, store: IncidentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._active: Sequence[Incident] = ()

    def active(self) -> Sequence[Incident]:
        """Return what has not ended, oldest first; from memory, at once."""
        return self._active

    async def refresh(self) -> None:
        """Read what has not ended. Raises StoreUnavailable."""
        self._active = await self._store.list_active()

    async def list_newest(self, wanted: IncidentFilter, limit: int) -> Sequence[Incident]:
        """Return incidents, newest first; while the store is away, those of them that are in memory."""
        try:
            return await self._store.list_newest(wanted, limit)
        except StoreUnavailable:
            found = [each for each in reversed(self._active) if _fits(each, wanted)]
            return found[:limit]

    async def totals(self) -> IncidentTotals | None:
        """Return how many there are and were, None while the store is away."""
        try:
            return await self._store.totals()
        except StoreUnavailable:
            return None

    async def annotate(self, incident_id: int, notes: str) -> Incident:
        """Put a person's notes in place of those there are. Raises ResourceNotFound, StoreUnavailable."""
        incident = await self._store.annotate(incident_id, notes)
        if incident is None:
            raise _missing()
        await self.refresh()
        return incident

    async def resolve(self, incident_id: int, notes: str | None, actor: str) -> Incident:
        """End an incident on a person's word; another one begins with the next failure only.

        Raises ResourceNotFound, Conflict when it has ended already, StoreUnavailable.
        """
        known = await self._store.find(incident_id)
        if known is None:
            raise _missing()
        at = max(self._clock.now(), known.started_at)
        incident = await self._store.annotate(incident_id, notes or known.notes or _ENDED, resolved_at=at, actor=actor)
        if incident is None:
            raise Conflict("this incident has ended already")
        await self.refresh()
        return incident


def _fits(incident: Incident, wanted: IncidentFilter) -> bool:
    return (
        wanted.is_active is not False
        and wanted.severity in (None, incident.severity)
        and wanted.provider in (None, incident.provider)
    )


def _missing() -> ResourceNotFound:
    return ResourceNotFound("there is no such incident", param="incident_id")
