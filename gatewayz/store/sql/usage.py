"""The usage log: groups in, pages out, whole days away."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from gatewayz.sdk.errors import Conflict
from gatewayz.store.moment_id import first_id, moment_of
from gatewayz.store.records import USAGE_COLUMNS, UsageRow
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.many_rows import insert_rows
from gatewayz.store.sql.statements import Refused
from gatewayz.store.sql.tables.usage import usage_log

__all__ = ["SqlUsageStore"]

DELETED_AT_ONCE: Final = 2_000
"""Rows a pruning transaction removes on SQLite: a few milliseconds between other writers."""
DAY: Final = timedelta(days=1)
PREFIX: Final = "usage_log_"
"""Of the partitions' names; a date follows."""
PARTITION_LOCK_ID: Final = 0x75736765
"""Advisory lock of PostgreSQL that adding and dropping partitions takes."""

logger = logging.getLogger("gatewayz.store")


class SqlUsageStore:
    """`gatewayz.store.ports.UsageStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._partitioned_until: datetime | None = None

    async def append_usage(self, rows: Sequence[UsageRow]) -> None:
        """Write rows, all or none. Raises Conflict when an id is taken."""
        if not rows:
            return
        if self._database.dialect == "postgresql":
            await self._partition(moment_of(rows[-1][0]))

        try:
            await self._database.run(
                lambda statements: insert_rows(statements, "usage_log", USAGE_COLUMNS, rows), durable=False
            )
        except Refused as err:
            if err.reason != "duplicate":
                raise
            raise Conflict("an id of the usage log is taken") from err

    async def list_usage(
        self, user_id: int | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Mapping[str, Any]]:
        """Return rows, newest first, with ids below `before`."""
        statement = usage_log.select().order_by(usage_log.c.id.desc()).limit(limit)
        if user_id is not None:
            statement = statement.where(usage_log.c.user_id == user_id)
        if before is not None:
            statement = statement.where(usage_log.c.id < before)

        def work(session: Session) -> list[Mapping[str, Any]]:
            return [dict(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)

    async def find_usage(self, user_id: int, request_id: str) -> Mapping[str, Any] | None:
        """Return the newest row of one of a user's requests."""
        is_it = (usage_log.c.request_id == request_id) & (usage_log.c.user_id == user_id)
        statement = usage_log.select().where(is_it).order_by(usage_log.c.id.desc()).limit(1)

        def work(session: Session) -> Mapping[str, Any] | None:
            row = session.execute(statement).mappings().first()
            return None if row is None else dict(row)

        return await self._database.read(work)

    async def prune_usage(self, before: datetime) -> int:
        """Forget rows older than a moment; return how many rows (PostgreSQL: whole days) went."""
        if self._database.dialect == "postgresql":
            return await self._database.write(lambda session: _drop_days(session.connection(), before))
        gone = 0
        while count := await self._database.write(lambda session: _delete_some(session, before), durable=False):
            gone += count
        return gone

    async def _partition(self, moment: datetime) -> None:
        """Have a partition for the day of a moment and for the next one."""
        if self._partitioned_until is not None and moment < self._partitioned_until:
            return
        today = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
        await self._database.write(lambda session: _add_days(session.connection(), (today, today + DAY)))
        self._partitioned_until = today + DAY


def _delete_some(session: Session, before: datetime) -> int:
    oldest = usage_log.select().with_only_columns(usage_log.c.id).order_by(usage_log.c.id).limit(DELETED_AT_ONCE)
    ids = [row_id for row_id in session.scalars(oldest) if row_id < first_id(before)]
    if ids:
        session.execute(usage_log.delete().where(usage_log.c.id <= ids[-1]))
    return len(ids)


def _add_days(connection: Connection, days: Sequence[datetime]) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": PARTITION_LOCK_ID})
    for day in days:
        bounds = f"FROM ({first_id(day)}) TO ({first_id(day + DAY)})"
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(
                    f"CREATE TABLE IF NOT EXISTS {PREFIX}{day:%Y%m%d} PARTITION OF usage_log FOR VALUES {bounds}"
                )
        except IntegrityError:
            # Rows of that day are in the default partition already, from a time without this one: they stay there.
            logger.warning("usage of %s stays in the default partition", day.date())


def _drop_days(connection: Connection, before: datetime) -> int:
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": PARTITION_LOCK_ID})
    names = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_log'::regclass")
    ).scalars()
    last = f"{PREFIX}{before.astimezone(UTC):%Y%m%d}"
    gone = sorted(name for name in names if name < last and name.removeprefix(PREFIX).isdigit())
    for name in gone:
        connection.exec_driver_sql(f"DROP TABLE {name}")
    connection.execute(text("DELETE FROM usage_log_default WHERE id < :before"), {"before": first_id(before)})
    return len(gone)
