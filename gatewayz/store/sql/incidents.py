"""Incidents on SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from gatewayz.store.incident_records import Incident, IncidentFilter, IncidentTotals, Opening, Subject
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.incidents import incidents

__all__ = ["SqlIncidentStore"]

_IS_ACTIVE: Final = incidents.c.resolved_at.is_(None)


class SqlIncidentStore:
    """`gatewayz.domain.incidents.incidents.IncidentStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def list_active(self) -> Sequence[Incident]:
        """Return what has not ended, oldest first."""
        return await self._select(select(incidents).where(_IS_ACTIVE).order_by(incidents.c.started_at, incidents.c.id))

    async def list_ends(self, since: datetime) -> Mapping[Subject, datetime]:
        """Return when each subject's newest incident ended, of those that ended since."""
        ended = select(incidents.c.provider, incidents.c.model, incidents.c.resolved_at)
        ended = ended.where(incidents.c.resolved_at >= since).order_by(incidents.c.resolved_at)

        def work(session: Session) -> Mapping[Subject, datetime]:
            return {Subject(provider, model): at for provider, model, at in session.execute(ended)}

        return await self._database.read(work)

    async def list_newest(self, wanted: IncidentFilter, limit: int) -> Sequence[Incident]:
        """Return incidents, newest first."""
        statement = select(incidents).order_by(incidents.c.started_at.desc(), incidents.c.id.desc()).limit(limit)
        if wanted.is_active is not None:
            statement = statement.where(_IS_ACTIVE if wanted.is_active else ~_IS_ACTIVE)
        if wanted.severity is not None:
            statement = statement.where(incidents.c.severity == wanted.severity)
        if wanted.provider is not None:
            statement = statement.where(incidents.c.provider == wanted.provider)
        if wanted.since is not None:
            statement = statement.where(or_(_IS_ACTIVE, incidents.c.resolved_at >= wanted.since))
        return await self._select(statement)

    async def totals(self) -> IncidentTotals:
        """Return how many are kept, and how many of them have not ended."""
        counts = select(func.count(), func.count().filter(_IS_ACTIVE)).select_from(incidents)

        def work(session: Session) -> IncidentTotals:
            total, active = session.execute(counts).one()
            return IncidentTotals(total, active)

        return await self._database.read(work)

    async def open(self, openings: Sequence[Opening], now: datetime) -> None:
        """Begin incidents; those whose subject has an active one are passed over."""
        rows = [
            {
                "provider": each.subject.provider,
                "model": each.subject.model,
                "severity": each.severity,
                "started_at": each.started_at,
                "error_code": each.error_code,
                "error_count": 0,
                "updated_at": now,
            }
            for each in openings
        ]
        statement = self._insert(incidents).on_conflict_do_nothing()
        await self._database.write(lambda session: session.execute(statement, rows))

    async def update(self, changed: Sequence[Incident]) -> None:
        """Write what was learnt of incidents, those that have ended meanwhile left out; notes of people stay."""

        def work(session: Session) -> None:
            for each in changed:
                session.execute(
                    update(incidents)
                    .where(incidents.c.id == each.id, _IS_ACTIVE)
                    .values(
                        severity=each.severity,
                        better_since=each.better_since,
                        resolved_at=each.resolved_at,
                        error_code=each.error_code,
                        error_count=each.error_count,
                        notes=func.coalesce(incidents.c.notes, each.notes),
                        updated_at=each.updated_at,
                    )
                )

        await self._database.write(work)

    async def annotate(
        self, incident_id: int, notes: str | None, *, resolved_at: datetime | None = None, actor: str | None = None
    ) -> Incident | None:
        """Have a person's notes on an incident, and end it when `resolved_at` is given.

        None when there is no such incident, or when it is to be ended and has ended already.
        """
        statement = update(incidents).where(incidents.c.id == incident_id)
        if notes is not None:
            statement = statement.values(notes=notes)
        if resolved_at is not None:
            statement = statement.where(_IS_ACTIVE).values(resolved_at=resolved_at, resolved_by=actor)
        found = statement.returning(incidents)

        def work(session: Session) -> Incident | None:
            row = session.execute(found).mappings().first()
            return None if row is None else Incident(**row)

        return await self._database.write(work)

    async def find(self, incident_id: int) -> Incident | None:
        """Return one."""
        found = await self._select(select(incidents).where(incidents.c.id == incident_id))
        return found[0] if found else None

    async def prune(self, before: datetime) -> None:
        """Forget those that ended before a moment."""
        gone = delete(incidents).where(incidents.c.resolved_at < before)
        await self._database.write(lambda session: session.execute(gone))

    async def _select(self, statement: Any) -> list[Incident]:
        return await self._database.read(
            lambda session: [Incident(**row) for row in session.execute(statement).mappings()]
        )
