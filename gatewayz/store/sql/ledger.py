"""The ledger on SQL: lock, read, decide, write, commit, for a whole group of operations at once.

On SQLite the transaction itself excludes other writers (BEGIN IMMEDIATE); on PostgreSQL the rows of
the wallets are locked, in order of user id, and every hold is changed under its wallet's lock.
Wallets are changed by differences and holds only in the state they were read in; the rows that
matched are counted, and CHECK constraints hold whatever the code above decided.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import func, select, text
from sqlmodel import Session

from gatewayz.sdk.errors import Conflict, GatewayzError, ResourceNotFound
from gatewayz.store.ledger_records import (
    ENTRY_COLUMNS,
    HOLD_COLUMNS,
    INTERNAL_KINDS,
    AuditFinding,
    EntryRow,
    HoldRow,
    HoldState,
    LedgerBroken,
    LedgerChanges,
    LedgerScope,
    LedgerView,
    OrphanedHold,
    WalletRow,
)
from gatewayz.store.sql.database import Database, Dialect
from gatewayz.store.sql.ledger_audit import audit, totals
from gatewayz.store.sql.many_rows import RowUpdate, insert_rows, update_rows
from gatewayz.store.sql.statements import Refused, Statements
from gatewayz.store.sql.tables.ledger import ledger_entries, ledger_holds, ledger_processes, ledger_wallets

__all__ = ["SqlLedgerStore"]

T = TypeVar("T")
WALLET_COLUMNS: Final = ("user_id", "trial", "allowance", "purchased", "held")
WALLET_UPDATE: Final = RowUpdate(
    table="ledger_wallets",
    columns=WALLET_COLUMNS,
    match="t.user_id = v.user_id",
    assignments=", ".join(f"{name} = t.{name} + v.{name}" for name in WALLET_COLUMNS[1:]),
)
CHANGED_COLUMNS: Final = tuple(name for name in HOLD_COLUMNS if name not in ("key", "user_id"))
HOLD_UPDATE: Final = RowUpdate(
    table="ledger_holds",
    columns=CHANGED_COLUMNS,
    match="t.id = v.id",
    assignments=", ".join(f"{name} = v.{name}" for name in CHANGED_COLUMNS[1:]),
)
DAY_MS: Final = 86_400_000
_LISTS: Final[Mapping[Dialect, tuple[str, str, str]]] = {
    # a list of texts, a list of integers, a lock on the rows read
    "sqlite": ("IN (SELECT value FROM json_each(?))", "IN (SELECT value FROM json_each(?))", ""),
    "postgresql": ("= ANY($1::text[])", "= ANY($1::bigint[])", " ORDER BY user_id FOR UPDATE"),
}


class SqlLedgerStore:
    """`gatewayz.store.ledger_records.LedgerStore` on SQL."""

    def __init__(self, database: Database, *, sync_commits: bool = True) -> None:
        self._database = database
        self._sync_commits = sync_commits
        texts, numbers, lock = _LISTS[database.dialect]
        self._is_sqlite = database.dialect == "sqlite"
        wallets, holds, entries = (", ".join(names) for names in (WALLET_COLUMNS, HOLD_COLUMNS, ENTRY_COLUMNS))
        self._add_wallet = (
            "INSERT INTO ledger_wallets (user_id, trial, allowance, purchased, held)"  # noqa: S608
            f" VALUES ({'?' if self._is_sqlite else '$1'}, 0, 0, 0, 0) ON CONFLICT (user_id) DO NOTHING"
        )
        self._read_wallets = f"SELECT {wallets} FROM ledger_wallets WHERE user_id {numbers}{lock}"  # noqa: S608
        self._read_holds = f"SELECT {holds} FROM ledger_holds WHERE key {texts}"  # noqa: S608  (names of ours)
        self._read_entries = f"SELECT {entries} FROM ledger_entries WHERE key {texts}"  # noqa: S608

    async def transact(self, scope: LedgerScope, decide: Callable[[LedgerView], tuple[LedgerChanges, T]]) -> T:
        """Read, decide, write and commit to disk as one step that no other process can interleave."""

        def work(statements: Statements) -> T:
            for user_id in scope.new_wallets:
                statements.change(self._add_wallet, (user_id,))
            changes, result = decide(self._view(statements, scope))
            _write(statements, changes)
            return result

        try:
            return await self._database.run(work, durable=self._sync_commits)
        except Refused as err:
            raise _meaning(err) from err

    async def find_wallet(self, user_id: int) -> WalletRow | None:
        """Return what a customer has."""
        columns = [ledger_wallets.c[name] for name in WALLET_COLUMNS]
        statement = select(*columns).where(ledger_wallets.c.user_id == user_id)

        def work(session: Session) -> WalletRow | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else WalletRow(*row)

        return await self._database.read(work)

    async def find_hold(self, key: str) -> HoldRow | None:
        """Return a hold."""
        statement = select(*(ledger_holds.c[name] for name in HOLD_COLUMNS)).where(ledger_holds.c.key == key)

        def work(session: Session) -> HoldRow | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else HoldRow(*row)

        return await self._database.read(work)

    async def list_entries(self, user_id: int, *, before: int | None = None, limit: int = 50) -> Sequence[EntryRow]:
        """Return a customer's entries but the internal ones, newest first, with ids below `before`."""
        # Written out, so that the partial index is recognised.
        visible = text(f"kind NOT IN ({', '.join(repr(kind) for kind in INTERNAL_KINDS)})")
        columns = [ledger_entries.c[name] for name in ENTRY_COLUMNS]
        statement = select(*columns).where(ledger_entries.c.user_id == user_id, visible)
        if before is not None:
            statement = statement.where(ledger_entries.c.id < before)
        statement = statement.order_by(ledger_entries.c.id.desc()).limit(limit)
        return await self._database.read(lambda session: [_entry(row) for row in session.execute(statement)])

    async def beat(self, process_id: int, now_ms: int) -> None:
        """Tell that a process lives."""
        statement = text(
            "INSERT INTO ledger_processes (id, beat_ms) VALUES (:id, :now)"
            " ON CONFLICT (id) DO UPDATE SET beat_ms = excluded.beat_ms"
        )
        await self._database.write(lambda session: session.execute(statement, {"id": process_id, "now": now_ms}))

    async def forget_process(self, process_id: int) -> None:
        """Tell that a process has ended."""
        statement = ledger_processes.delete().where(ledger_processes.c.id == process_id)
        await self._database.write(lambda session: session.execute(statement))

    async def list_orphans(self, *, alive_since_ms: int, touched_before_ms: int, limit: int) -> Sequence[OrphanedHold]:
        """Return open holds not touched since their process was last heard of, or for too long by a living one."""
        alive = select(ledger_processes.c.id).where(ledger_processes.c.beat_ms >= alive_since_ms)
        statement = (
            select(ledger_holds.c.key, ledger_holds.c.user_id, ledger_holds.c.process_id)
            .where(text("state = 0"))
            .where(
                (ledger_holds.c.process_id.not_in(alive) & (ledger_holds.c.touched_ms < alive_since_ms))
                | (ledger_holds.c.touched_ms < touched_before_ms)
            )
            .limit(limit)
        )

        def work(session: Session) -> list[OrphanedHold]:
            return [
                OrphanedHold(key=key, user_id=user, process_id=process)
                for key, user, process in session.execute(statement)
            ]

        return await self._database.read(work)

    async def prune_holds(self, before_id: int, limit: int) -> int:
        """Forget settled holds with ids below; return how many went. The entries stay."""
        oldest = (
            select(ledger_holds.c.id)
            .where(ledger_holds.c.id < before_id, ledger_holds.c.state != HoldState.OPEN)
            .order_by(ledger_holds.c.id)
            .limit(limit)
        )

        def work(session: Session) -> int:
            ids = session.scalars(oldest).all()
            session.execute(ledger_holds.delete().where(ledger_holds.c.id.in_(ids)))
            # Processes that ended long ago are of no interest to anybody.
            session.execute(
                ledger_processes.delete().where(
                    ledger_processes.c.id < before_id,
                    ledger_processes.c.id.not_in(select(ledger_holds.c.process_id).where(text("state = 0"))),
                    ledger_processes.c.beat_ms
                    < select(func.max(ledger_processes.c.beat_ms) - DAY_MS).scalar_subquery(),
                )
            )
            return len(ids)

        return await self._database.write(work, durable=False)

    async def totals(self) -> Mapping[str, int]:
        """Return the balance of every account over all entries."""
        return await self._database.read(lambda session: totals(session.connection()))

    async def audit(self, limit: int) -> Sequence[AuditFinding]:
        """Derive every balance from the entries; return the first differences, empty when there are none."""
        return await self._database.read(lambda session: audit(session.connection(), limit))

    def _view(self, statements: Statements, scope: LedgerScope) -> LedgerView:
        """Return what the scope names; wallets first, because their locks guard the rest."""
        wallets = statements.rows(self._read_wallets, (self._list(scope.user_ids),))
        holds = statements.rows(self._read_holds, (self._list(scope.hold_keys),)) if scope.hold_keys else ()
        entries = statements.rows(self._read_entries, (self._list(scope.entry_keys),)) if scope.entry_keys else ()
        return LedgerView(
            wallets={row[0]: WalletRow(*row) for row in wallets},
            holds={row[1]: HoldRow(*row) for row in holds},
            entries={entry.key or "": entry for entry in map(_entry, entries)},
        )

    def _list(self, values: Sequence[Any]) -> Any:
        return msgspec.json.encode(values).decode() if self._is_sqlite else list(values)


def _write(statements: Statements, changes: LedgerChanges) -> None:
    if changes.wallets:
        differences = [(w.user_id, w.trial, w.allowance, w.purchased, w.held) for w in changes.wallets]
        _expect(update_rows(statements, WALLET_UPDATE, differences), len(differences), "wallets")
    if changes.new_holds:
        insert_rows(statements, "ledger_holds", HOLD_COLUMNS, [_values(hold) for hold in changes.new_holds])
    if changes.changed_holds:
        values = [tuple(getattr(hold, name) for name in CHANGED_COLUMNS) for hold in changes.changed_holds]
        _expect(update_rows(statements, HOLD_UPDATE, values), len(values), "holds")
    if changes.entries:
        insert_rows(statements, "ledger_entries", ENTRY_COLUMNS, [_values(entry) for entry in changes.entries])


def _values(row: HoldRow | EntryRow) -> tuple[Any, ...]:
    return msgspec.structs.astuple(row)


def _entry(row: Sequence[Any]) -> EntryRow:
    return EntryRow(**dict(zip(ENTRY_COLUMNS, row, strict=True)))


def _expect(matched: int, wanted: int, what: str) -> None:
    if matched != wanted:
        raise LedgerBroken(f"{wanted} {what} were to be changed, {matched} were found; nothing was booked")


def _meaning(err: Refused) -> GatewayzError:
    """Return what a refused statement means to the domain."""
    if err.reason == "duplicate":
        return Conflict("An id or key of the ledger is taken.")
    if err.reason == "reference":
        return ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return LedgerBroken(f"the database refused to book: {err}")
