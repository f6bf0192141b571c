"""Leases on SQL."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.leases import leases

__all__ = ["SqlLeaseStore"]

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SqlLeaseStore:
    """`gatewayz.jobs.leased.LeaseStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def take(self, name: str, holder: str, now: datetime, until: datetime, done_before: datetime) -> bool:
        """Take a lease that nobody holds now and whose work was last done at or before `done_before`."""
        is_free = (leases.c.until <= now) & (leases.c.done <= done_before)
        taken = self._insert(leases).values(name=name, holder=holder, until=until, done=_NEVER)
        taken = taken.on_conflict_do_update(
            index_elements=["name"], set_={"holder": holder, "until": until}, where=is_free
        ).returning(leases.c.name)

        def is_refused(session: Session) -> bool:
            return session.execute(leases.select().where(leases.c.name == name, ~is_free)).first() is not None

        if await self._database.read(is_refused):  # most looks end here, without a writer's lock
            return False
        return await self._database.write(lambda session: session.execute(taken).first() is not None, durable=False)

    async def is_held(self, name: str, now: datetime) -> bool:
        """Return whether somebody holds a lease now."""
        held = leases.select().where(leases.c.name == name, leases.c.until > now)
        return await self._database.read(lambda session: session.execute(held).first() is not None)

    async def extend(self, name: str, holder: str, until: datetime) -> bool:
        """Hold on to a lease; False when it has passed to another."""
        return await self._change(name, holder, {"until": until})

    async def end(self, name: str, holder: str, until: datetime, done: datetime | None) -> None:
        """Let go at `until`, and note when the work was done; None leaves that as it is."""
        await self._change(name, holder, {"until": until} if done is None else {"until": until, "done": done})

    async def _change(self, name: str, holder: str, values: dict[str, datetime]) -> bool:
        change = leases.update().where(leases.c.name == name, leases.c.holder == holder).values(**values)

        def work(session: Session) -> bool:
            return session.connection().execute(change).rowcount > 0

        return await self._database.write(work, durable=False)
