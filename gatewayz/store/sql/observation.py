"""Observations on SQL, written by hand-made statements: many small rows every few seconds."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.sql import Select
from sqlmodel import Session

from gatewayz.store.observation_records import COUNTERS, Page, StateRow, TrafficKey, TrafficRow, Wanted
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.many_rows import insert_rows
from gatewayz.store.sql.tables.observation import offer_states, traffic

__all__ = ["SqlObservationStore"]

_TRAFFIC_COLUMNS: Final = ("step", "start", "provider", "model", "process", *COUNTERS, "packed")
_STATE_COLUMNS: Final = StateRow.__struct_fields__
_KEY: Final = (traffic.c.start, traffic.c.provider, traffic.c.model, traffic.c.process)
_PRUNED_AT_ONCE: Final = 2_000
"""Rows of one transaction: a few milliseconds between other writers."""


def _over(*names: str) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names)


def _later(name: str) -> str:
    is_known = f"excluded.{name} IS NULL OR t.{name} > excluded.{name}"
    return f"{name} = CASE WHEN {is_known} THEN t.{name} ELSE excluded.{name} END"


_TRAFFIC_OVER: Final = " ON CONFLICT (step, start, provider, model, process) DO UPDATE SET " + _over(
    *COUNTERS, "packed"
)
_STATE_OVER: Final = (
    " ON CONFLICT (provider, model) DO UPDATE SET "
    + _over("last_outcome", "last_status", "called_ms", "response_ms", "last_error", "consecutive_failures")
    + f", {_later('success_ms')}, {_later('failure_ms')} WHERE excluded.called_ms >= t.called_ms"
)


class SqlObservationStore:
    """`gatewayz.store.observation_records.ObservationStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write_traffic(self, step: int, rows: Sequence[TrafficRow]) -> None:
        """Write rows, over those of the same key."""
        values = [(step, *row.key, *row.counters, row.packed) for row in rows]
        await self._write("traffic", _TRAFFIC_COLUMNS, values, _TRAFFIC_OVER)

    async def write_states(self, rows: Sequence[StateRow]) -> None:
        """Keep facts where they are newer than what is kept."""
        values = [msgspec.structs.astuple(row) for row in rows]
        await self._write("offer_states AS t", _STATE_COLUMNS, values, _STATE_OVER)

    async def list_traffic(self, wanted: Wanted, *, after: TrafficKey | None = None, limit: int = 2_000) -> Page:
        """Return rows in order of their key."""
        statement = _found(select(traffic), wanted).order_by(*_KEY).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*_KEY) > tuple_(*after))

        def work(session: Session) -> list[TrafficRow]:
            rows = session.connection().execute(statement)
            return [TrafficRow(row[1], row[2], row[3], row[4], tuple(row[5:-1]), bytes(row[-1])) for row in rows]

        return await self._database.read(work)

    async def bounds(self, step: int) -> tuple[int, int] | None:
        """Return the first and the last start of a step's rows, None without any."""
        first = select(func.min(traffic.c.start)).where(traffic.c.step == step)
        last = select(func.max(traffic.c.start)).where(traffic.c.step == step)

        def work(session: Session) -> tuple[int, int] | None:
            oldest = session.scalar(first)
            return None if oldest is None else (oldest, session.scalar(last) or oldest)

        return await self._database.read(work)

    async def prune_traffic(self, step: int, before: int) -> int:
        """Forget rows that start before a moment; return how many."""
        gone = 0
        while count := await self._database.write(lambda session: _delete_some(session, step, before), durable=False):
            gone += count
        return gone

    async def list_states(self, *, since_ms: int = 0) -> Sequence[StateRow]:
        """Return the facts of offers that were called or probed since a moment."""
        statement = select(offer_states).where(offer_states.c.called_ms >= since_ms)

        def work(session: Session) -> list[StateRow]:
            return [StateRow(*row) for row in session.connection().execute(statement)]

        return await self._database.read(work)

    async def _write(self, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], over: str) -> None:
        if rows:
            await self._database.run(lambda s: insert_rows(s, table, columns, rows, over), durable=False)


def _found(statement: Select[Any], wanted: Wanted) -> Select[Any]:
    columns = traffic.c
    statement = statement.where(columns.step == wanted.step, columns.start >= wanted.first, columns.start < wanted.end)
    if wanted.provider is not None:
        statement = statement.where(columns.provider == wanted.provider)
    if wanted.model is not None:
        statement = statement.where(columns.model == wanted.model)
    if wanted.not_of is not None:
        statement = statement.where(columns.process != wanted.not_of)
    return statement


def _delete_some(session: Session, step: int, before: int) -> int:
    old = select(*_KEY).where(traffic.c.step == step, traffic.c.start < before).order_by(*_KEY).limit(_PRUNED_AT_ONCE)
    rows = session.connection().execute(old).all()
    if rows:
        first_left = tuple_(*_KEY) <= tuple_(*rows[-1])
        session.connection().execute(delete(traffic).where(traffic.c.step == step, first_left))
    return len(rows)
