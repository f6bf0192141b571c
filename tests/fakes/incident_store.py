"""Incidents in memory, by the same rules as on SQL; `is_away` takes the store away."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.incident_records import Incident, IncidentFilter, IncidentTotals, Opening, Subject

__all__ = ["FakeIncidentStore"]


class FakeIncidentStore:
    def __init__(self) -> None:
        self.rows: dict[int, Incident] = {}
        self.is_away = False
        self.writes = 0

    @property
    def every(self) -> list[Incident]:
        if self.is_away:
            raise StoreUnavailable("the database does not answer")
        return list(self.rows.values())

    async def list_active(self) -> Sequence[Incident]:
        return [each for each in self.every if each.resolved_at is None]

    async def list_ends(self, since: datetime) -> Mapping[Subject, datetime]:
        ended = [(each.subject, each.resolved_at) for each in self.every if each.resolved_at is not None]
        return {subject: at for subject, at in sorted(ended, key=lambda pair: pair[1]) if at >= since}

    async def list_newest(self, wanted: IncidentFilter, limit: int) -> Sequence[Incident]:
        found = [each for each in self.every if wanted.is_active in (None, each.resolved_at is None)]
        return sorted(found, key=lambda each: (each.started_at, each.id), reverse=True)[:limit]

    async def totals(self) -> IncidentTotals:
        return IncidentTotals(len(self.every), len(await self.list_active()))

    async def open(self, openings: Sequence[Opening], now: datetime) -> None:
        self.writes += 1
        taken = {each.subject for each in await self.list_active()}
        for each in openings:
            if each.subject not in taken:
                number = len(self.rows) + 1
                self.rows[number] = Incident(
                    id=number,
                    provider=each.subject.provider,
                    model=each.subject.model,
                    severity=each.severity,
                    started_at=each.started_at,
                    error_code=each.error_code,
                    updated_at=now,
                )

    async def update(self, changed: Sequence[Incident]) -> None:
        self.writes += 1
        for each in changed:
            before = self.rows[each.id]
            if before.resolved_at is None:
                self.rows[each.id] = msgspec.structs.replace(each, notes=before.notes or each.notes)

    async def annotate(
        self, incident_id: int, notes: str | None, *, resolved_at: datetime | None = None, actor: str | None = None
    ) -> Incident | None:
        found = await self.find(incident_id)
        if found is None or (resolved_at is not None and found.resolved_at is not None):
            return None
        changed = {"notes": notes or found.notes}
        if resolved_at is not None:
            found = msgspec.structs.replace(found, resolved_at=resolved_at, resolved_by=actor)
        self.rows[incident_id] = msgspec.structs.replace(found, **changed)
        return self.rows[incident_id]

    async def find(self, incident_id: int) -> Incident | None:
        return next((each for each in self.every if each.id == incident_id), None)

    async def prune(self, before: datetime) -> None:
        self.rows = {each.id: each for each in self.every if each.resolved_at is None or each.resolved_at >= before}
