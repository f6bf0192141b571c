"""Events of clients on SQL."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, func, select
from sqlmodel import Session

from gatewayz.store.analytics_records import AnalyticsEvent, EventFilter
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.many_rows import insert_rows
from gatewayz.store.sql.tables.analytics import analytics_events

__all__ = ["SqlAnalyticsStore"]

_COLUMNS: Final = AnalyticsEvent.__struct_fields__
_ID: Final = analytics_events.c.id
_PRUNED_AT_ONCE: Final = 2_000
"""Rows of one transaction: a few milliseconds between other writers."""


class SqlAnalyticsStore:
    """`gatewayz.store.analytics_records.AnalyticsStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, events: Sequence[AnalyticsEvent]) -> None:
        """Write events; those whose id is there already are passed over, so a write may be repeated."""
        rows = [msgspec.structs.astuple(event) for event in events]
        over = " ON CONFLICT (id) DO NOTHING"
        await self._database.run(lambda s: insert_rows(s, "analytics_events", _COLUMNS, rows, over), durable=False)

    async def list_events(self, wanted: EventFilter) -> Sequence[AnalyticsEvent]:
        """Return events, newest first."""
        statement = select(analytics_events).order_by(_ID.desc()).limit(wanted.limit)
        if wanted.name is not None:
            statement = statement.where(analytics_events.c.name == wanted.name)
        if wanted.session_id is not None:
            statement = statement.where(analytics_events.c.session_id == wanted.session_id)
        if wanted.before is not None:
            statement = statement.where(wanted.before > _ID)
        return await self._database.read(
            lambda session: [AnalyticsEvent(**row) for row in session.execute(statement).mappings()]
        )

    async def prune(self, before: int, keep: int) -> int:
        """Forget events with ids below `before`, and all but the newest `keep`; return how many went."""
        first_over = select(_ID).order_by(_ID.desc()).offset(keep).limit(1)
        found = await self._database.read(lambda session: session.scalar(first_over))
        below = before if found is None else max(before, found + 1)
        gone = 0
        while count := await self._database.write(lambda session: _delete_some(session, below), durable=False):
            gone += count
        return gone


def _delete_some(session: Session, below: int) -> int:
    old = select(_ID).where(below > _ID).order_by(_ID).limit(_PRUNED_AT_ONCE).subquery()
    last, count = session.execute(select(func.max(old.c.id), func.count())).one()
    if count:
        session.execute(delete(analytics_events).where(last >= _ID))
    return int(count)
