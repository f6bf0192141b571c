"""Beats and downtime on SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from gatewayz.store.downtime_records import Beat, DowntimeFilter, Incident
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.health import beats, downtime

__all__ = ["SqlDowntimeStore"]


class SqlDowntimeStore:
    """`gatewayz.domain.health.downtime.DowntimeStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def beat(self, beat: Beat) -> None:
        """Keep a process's sign of life in place of the one before."""
        values = msgspec.structs.asdict(beat)
        statement = self._insert(beats).values(values)
        changes = {"beat_at": beat.beat_at, "stopped_at": beat.stopped_at}
        statement = statement.on_conflict_do_update(index_elements=["process"], set_=changes)
        await self._database.write(lambda session: session.execute(statement), durable=False)

    async def list_beats(self) -> Sequence[Beat]:
        """Return the last sign of life of every process that is remembered."""
        return await self._database.read(
            lambda session: [Beat(**row) for row in session.execute(select(beats)).mappings()]
        )

    async def forget(self, *, beats_before: datetime, incidents_before: datetime) -> None:
        """Drop what is older; incidents that go on stay."""

        def work(session: Session) -> None:
            session.execute(delete(beats).where(beats.c.beat_at < beats_before))
            session.execute(delete(downtime).where(downtime.c.ended_at < incidents_before))

        await self._database.write(work, durable=False)

    async def open_incident(self, incident: Incident) -> int:
        """Add an incident, and return its id."""
        values = {name: value for name, value in msgspec.structs.asdict(incident).items() if name != "id"}
        statement = insert(downtime).values(values).returning(downtime.c.id)
        return await self._database.write(lambda session: int(session.execute(statement).scalar_one()))

    async def find_incident(self, incident_id: int) -> Incident | None:
        """Return an incident."""
        statement = select(downtime).where(downtime.c.id == incident_id)

        def work(session: Session) -> Incident | None:
            row = session.execute(statement).mappings().first()
            return None if row is None else Incident(**row)

        return await self._database.read(work)

    async def end_incident(self, incident_id: int, at: datetime, by: str, notes: str | None) -> bool:
        """End an incident that goes on; False when none of that id does."""
        changes: dict[str, Any] = {"ended_at": at, "status": "resolved", "resolved_by": by, "updated_at": at}
        if notes is not None:
            changes["notes"] = notes
        goes_on = and_(downtime.c.id == incident_id, downtime.c.ended_at.is_(None))
        statement = update(downtime).where(goes_on).values(changes).returning(downtime.c.id)
        return await self._database.write(lambda session: session.execute(statement).first() is not None)

    async def list_incidents(self, wanted: DowntimeFilter, limit: int) -> Sequence[Incident]:
        """Return incidents, the newest first."""
        newest = (downtime.c.started_at.desc(), downtime.c.id.desc())
        statement = select(downtime).where(*_conditions(wanted)).order_by(*newest).limit(limit)
        return await self._database.read(
            lambda session: [Incident(**row) for row in session.execute(statement).mappings()]
        )

    async def count_incidents(self, wanted: DowntimeFilter) -> Mapping[str, int]:
        """Return how many incidents there are of each status."""
        statement = select(downtime.c.status, func.count()).where(*_conditions(wanted)).group_by(downtime.c.status)
        return await self._database.read(lambda session: {row[0]: row[1] for row in session.execute(statement)})


def _conditions(wanted: DowntimeFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        downtime.c[name] == value
        for name in ("status", "severity", "environment", "kind")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.ended_after is not None:
        found.append(or_(downtime.c.ended_at.is_(None), downtime.c.ended_at > wanted.ended_after))
    return found
