"""Batches and their lines on SQL.

A line changes hands only in the state it was read in, and the batch's counts change with it in one unit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from gatewayz.store.batch_records import (
    OPEN_STATES,
    Batch,
    BatchProblem,
    BatchState,
    EventOf,
    LineResult,
    NewBatch,
    NewLine,
    TakenLine,
    WrittenLine,
)
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.files import make_ready
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.batches import DONE, RUNNING, UNDOING, WAITING, batch_lines, batches
from gatewayz.store.sql.webhooks import enqueue

__all__ = ["SqlBatchStore"]

_lines = batch_lines.c
_CLEARED: Final = 200
"""Lines that are deleted in one unit, at most."""
_BYTES_AT_ONCE: Final = 4 * 1024 * 1024
_PROBLEMS: Final = msgspec.json.Decoder(tuple[BatchProblem, ...])
_METADATA: Final = msgspec.json.Decoder(dict[str, str])


class SqlBatchStore:
    """`gatewayz.domain.batches.store.BatchStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def add(self, batch: NewBatch, now: datetime, max_open: int) -> Batch | None:
        """Keep a batch; None where its user has as many under way as are allowed."""
        values = msgspec.structs.asdict(batch)
        if batch.metadata is not None:
            values["metadata"] = msgspec.json.encode(batch.metadata).decode()
        counts = {"total": 0, "completed": 0, "failed": 0}
        statement = insert(batches).values(**values, **counts, state="validating", created_at=now).returning(batches)
        owner = select(col(UserRow.id)).where(col(UserRow.id) == batch.user_id).with_for_update(key_share=True)
        under_way = select(func.count()).where(batches.c.user_id == batch.user_id, batches.c.state.in_(OPEN_STATES))

        def work(session: Session) -> Batch | None:
            session.execute(owner)
            if session.execute(under_way).scalar_one() >= max_open:
                return None
            return _batch(session.execute(statement).mappings().one())

        return await self._database.write(work)

    async def find(self, user_id: int, public_id: str) -> Batch | None:
        """Return a user's batch."""
        return await self._one(batches.c.user_id == user_id, batches.c.public_id == public_id)

    async def load(self, batch_id: int) -> Batch | None:
        """Return a batch."""
        return await self._one(batches.c.id == batch_id)

    async def list_batches(self, user_id: int, *, after: int | None, limit: int) -> Sequence[Batch]:
        """Return a user's batches behind the one with an id, newest first."""
        wanted = [batches.c.user_id == user_id]
        if after is not None:
            wanted.append(batches.c.id < after)
        statement = select(batches).where(*wanted).order_by(batches.c.id.desc()).limit(limit)
        return await self._database.read(lambda session: [_batch(row) for row in session.execute(statement).mappings()])

    async def list_open(self, limit: int) -> Sequence[Batch]:
        """Return batches of all users with something left to do, oldest first."""
        statement = select(batches).where(batches.c.state.in_(OPEN_STATES)).order_by(batches.c.id).limit(limit)
        return await self._database.read(lambda session: [_batch(row) for row in session.execute(statement).mappings()])

    async def move(
        self,
        batch_id: int,
        states: Sequence[BatchState],
        state: BatchState,
        now: datetime,
        *,
        event_of: EventOf | None = None,
        **values: Any,
    ) -> Batch | None:
        """Bring a batch from one of some states to another, telling webhooks; None when it is in none of them."""
        if "problems" in values:
            values["problems"] = msgspec.json.encode(values["problems"]).decode()
        changed = _moved(batch_id, states, state, {**values, f"{state}_at": now})

        def work(session: Session) -> Batch | None:
            row = session.execute(changed.returning(batches)).mappings().one_or_none()
            if row is None:
                return None
            moved = _batch(row)
            if event_of is not None:
                enqueue(session, self._insert, event_of(moved))
            return moved

        return await self._database.write(work)

    async def clear_lines(self, batch_id: int, states: Sequence[BatchState]) -> None:
        """Forget the lines of a batch, a few a unit, as long as it is in one of some states."""
        kept = select(batches.c.id).where(batches.c.id == batch_id, batches.c.state.in_(states))
        some = delete(batch_lines).where(_lines.batch_id == batch_id, _lines.number.in_(_first(batch_id, _CLEARED)))

        def work(session: Session) -> bool:
            if session.execute(kept.with_for_update(read=True)).first() is None:
                return False
            return session.connection().execute(some).rowcount > 0

        while await self._database.write(work, durable=False):
            pass

    async def clear_ended(self) -> None:
        """Forget the lines of batches that have ended: those of a process that died before it did."""
        found = select(_lines.batch_id, batches.c.state).join(batches, batches.c.id == _lines.batch_id)
        after = 0
        while True:
            following = found.where(_lines.batch_id > after).order_by(_lines.batch_id).limit(1)
            row = await self._database.read(partial(_one_row, following))
            if row is None:
                return
            after = row.batch_id
            if row.state not in OPEN_STATES:
                await self.clear_lines(after, (row.state,))

    async def add_lines(self, batch_id: int, lines: Sequence[NewLine]) -> None:
        """Keep lines to be run."""
        rows = [
            {
                "batch_id": batch_id,
                "number": line.number,
                "custom_id": line.custom_id,
                "state": WAITING,
                "attempt": 0,
                "body": line.body,
            }
            for line in lines
        ]

        def work(session: Session) -> None:
            session.execute(insert(batch_lines), rows)

        await self._database.write(work, durable=False)

    async def take_line(self, batch_id: int) -> TakenLine | None:
        """Begin the next attempt of the first waiting line; None when there is none or the batch is not in progress."""
        in_progress = select(batches.c.id).where(batches.c.id == batch_id, batches.c.state == "in_progress")
        first = (
            select(_lines.number)
            .where(_lines.batch_id == batch_id, _lines.state == WAITING)
            .order_by(_lines.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

        def work(session: Session) -> TakenLine | None:
            if session.execute(in_progress).first() is None:
                return None
            number = session.execute(first).scalar_one_or_none()
            if number is None:
                return None
            taken = (
                update(batch_lines)
                .where(_lines.batch_id == batch_id, _lines.number == number)
                .values(state=RUNNING, attempt=_lines.attempt + 1)
                .returning(batch_lines)
            )
            return _taken(session.execute(taken).mappings().one())

        return await self._database.write(work)

    async def list_running(self, batch_id: int) -> Sequence[TakenLine]:
        """Return the lines that were taken and not ended, those that are being taken back among them."""
        statement = select(batch_lines).where(_lines.batch_id == batch_id, _lines.state.in_((RUNNING, UNDOING)))
        return await self._database.read(lambda session: [_taken(row) for row in session.execute(statement).mappings()])

    async def begin_undo(self, batch_id: int, line: TakenLine) -> bool:
        """Refuse the answer of an attempt from now on; False when the line has ended or is at another one."""
        return await self._change_line(batch_id, line, {"state": UNDOING}, (RUNNING, UNDOING))

    async def put_back(self, batch_id: int, line: TakenLine) -> bool:
        """Have a line wait again that was taken back; False when somebody else has done it."""
        return await self._change_line(batch_id, line, {"state": WAITING}, (UNDOING,))

    async def try_again(self, batch_id: int, line: TakenLine) -> bool:
        """Begin another attempt of a line; False when it is no longer at this one."""
        return await self._change_line(batch_id, line, {"attempt": line.attempt + 1}, (RUNNING,))

    async def finish_line(self, batch_id: int, line: TakenLine, result: LineResult) -> bool:
        """Keep what came of a line and count it; False when it is no longer at this attempt."""
        ended = _at(batch_id, line, (RUNNING,)).values(
            state=DONE, body=None, request_id=result.request_id, status=result.status, answer=result.body
        )
        count = batches.c.completed if result.is_good else batches.c.failed
        counted = update(batches).where(batches.c.id == batch_id).values({count: count + 1})

        def work(session: Session) -> bool:
            if not session.connection().execute(ended).rowcount:
                return False
            session.execute(counted)
            return True

        return await self._database.write(work)

    async def list_lines(self, batch_id: int, *, is_good: bool, after: int, limit: int) -> Sequence[WrittenLine]:
        """Return lines behind a number, few of large ones: those that went well, or all others, unrun ones too."""
        went_well = (_lines.state == DONE) & (_lines.status < 400)
        wanted = went_well if is_good else ~func.coalesce(went_well, False)
        columns = [_lines.number, _lines.custom_id, _lines.state, _lines.request_id, _lines.status, _lines.answer]
        first = _first(batch_id, limit, _lines.number > after, wanted)
        statement = select(*columns).where(_lines.batch_id == batch_id, _lines.number.in_(first))
        statement = statement.order_by(_lines.number)
        return await self._database.read(
            lambda session: [_written(row) for row in session.execute(statement).mappings()]
        )

    async def close(
        self,
        batch: Batch,
        state: BatchState,
        now: datetime,
        *,
        output_file_id: str | None,
        error_file_id: str | None,
        files_expire_at: datetime | None,
        event_of: EventOf,
    ) -> Batch | None:
        """End a batch: its files appear, webhooks are told; None when it has left its state meanwhile."""
        values = {"output_file_id": output_file_id, "error_file_id": error_file_id, f"{state}_at": now}
        changed = _moved(batch.id, (batch.state,), state, values).returning(batches)

        def work(session: Session) -> Batch | None:
            row = session.execute(changed).mappings().one_or_none()
            if row is None:
                return None
            for public_id in (output_file_id, error_file_id):
                if public_id is not None:
                    make_ready(session, public_id, files_expire_at)
            closed = _batch(row)
            enqueue(session, self._insert, event_of(closed))
            return closed

        return await self._database.write(work)

    async def _one(self, *wanted: Any) -> Batch | None:
        statement = select(batches).where(*wanted)

        def work(session: Session) -> Batch | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else _batch(row)

        return await self._database.read(work)

    async def _change_line(
        self, batch_id: int, line: TakenLine, values: Mapping[str, Any], states: Sequence[int]
    ) -> bool:
        changed = _at(batch_id, line, states).values(**values)
        return await self._database.write(lambda session: session.connection().execute(changed).rowcount > 0)


def _one_row(wanted: Select[Any], session: Session) -> Any:
    return session.execute(wanted).one_or_none()


def _at(batch_id: int, line: TakenLine, states: Sequence[int]) -> Any:
    """Return an update of a line that is still at this attempt, in one of some states."""
    return update(batch_lines).where(
        _lines.batch_id == batch_id,
        _lines.number == line.number,
        _lines.state.in_(states),
        _lines.attempt == line.attempt,
    )


def _moved(batch_id: int, states: Sequence[BatchState], state: BatchState, values: Mapping[str, Any]) -> Any:
    return update(batches).where(batches.c.id == batch_id, batches.c.state.in_(states)).values(state=state, **values)


def _first(batch_id: int, limit: int, *wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the numbers of the first lines that are wanted: one at least, no more when they hold enough bytes."""
    size = func.coalesce(func.length(_lines.body), 0) + func.coalesce(func.length(_lines.answer), 0)
    sized = select(_lines.number, size.label("size")).where(_lines.batch_id == batch_id, *wanted)
    few = sized.order_by(_lines.number).limit(limit).subquery()
    before = (func.sum(few.c.size).over(order_by=few.c.number) - few.c.size).label("before")
    summed = select(few.c.number, before).subquery()
    return select(summed.c.number).where(summed.c.before < _BYTES_AT_ONCE)


def _batch(row: RowMapping) -> Batch:
    values = dict(row)
    values["problems"] = () if row["problems"] is None else _PROBLEMS.decode(row["problems"])
    values["metadata"] = None if row["metadata"] is None else _METADATA.decode(row["metadata"])
    return Batch(**values)


def _taken(row: RowMapping) -> TakenLine:
    return TakenLine(number=row["number"], custom_id=row["custom_id"], body=row["body"], attempt=row["attempt"])


def _written(row: RowMapping) -> WrittenLine:
    result = None
    if row["state"] == DONE:
        result = LineResult(request_id=row["request_id"], status=row["status"], body=row["answer"])
    return WrittenLine(number=row["number"], custom_id=row["custom_id"], result=result)
