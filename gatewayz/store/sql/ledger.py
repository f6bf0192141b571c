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
from gatewayz.store.sql.added_credit import tell_added_credit
from gatewayz.store.sql.database import Database
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
CHANGED_COLUMNS: Final = HOLD_COLUMNS[:-2]
"""All but the customer and the key."""
INTERNAL_COLUMNS: Final = (
    "id",
    "kind",
    "user_id",
    "reference",
    "trial",
    "allowance",
    "purchased",
    "held",
    "balance_after",
)
"""What an entry between a customer's own accounts fills; the other columns are 0."""
HOLD_UPDATE: Final = RowUpdate(
    table="ledger_holds",
    columns=CHANGED_COLUMNS,
    match="t.id = v.id",
    assignments=", ".join(f"{name} = v.{name}" for name in CHANGED_COLUMNS[1:]),
)
DAY_MS: Final = 86_400_000
_CALLS: Final = frozenset((*INTERNAL_KINDS, "api_usage"))
"""Entries of every call; the others are rare."""
_ROWS: Final = msgspec.json.Decoder(list[list[Any]])
_IN_JSON: Final = "IN (SELECT value FROM json_each(?))"
# ruff: noqa: S608  (the names in these queries are our own)
_SQLITE: Final = {
    "add_wallet": "INSERT INTO ledger_wallets (user_id) VALUES (?) ON CONFLICT (user_id) DO NOTHING",
    "wallets": f"SELECT json_group_array(json_array({', '.join(WALLET_COLUMNS)})) FROM ledger_wallets"
    f" WHERE user_id {_IN_JSON}",
    "holds": f"SELECT json_group_array(json_array({', '.join(HOLD_COLUMNS)})) FROM ledger_holds WHERE key {_IN_JSON}",
    "entries": f"SELECT json_group_array(json_array({', '.join(ENTRY_COLUMNS)})) FROM ledger_entries"
    f" WHERE key {_IN_JSON}",
}
_POSTGRES: Final = {
    "add_wallet": "INSERT INTO ledger_wallets (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING",
    "wallets": f"SELECT {', '.join(WALLET_COLUMNS)} FROM ledger_wallets WHERE user_id = ANY($1::bigint[])"
    " ORDER BY user_id FOR UPDATE",
    "holds": f"SELECT {', '.join(HOLD_COLUMNS)} FROM ledger_holds WHERE key = ANY($1::text[])",
    "entries": f"SELECT {', '.join(ENTRY_COLUMNS)} FROM ledger_entries WHERE key = ANY($1::text[])",
}


class SqlLedgerStore:
    """`gatewayz.store.ledger_records.LedgerStore` on SQL."""

    def __init__(self, database: Database, *, sync_commits: bool = True) -> None:
        self._database = database
        self._sync_commits = sync_commits
        queries = _SQLITE if database.dialect == "sqlite" else _POSTGRES
        self._is_sqlite = database.dialect == "sqlite"
        self._add_wallet = queries["add_wallet"]
        self._read_wallets = queries["wallets"]
        self._read_holds = queries["holds"]
        self._read_entries = queries["entries"]

    async def transact(self, scope: LedgerScope, decide: Callable[[LedgerView], tuple[LedgerChanges, T]]) -> T:
        """Read, decide, write and commit as one step that no other process can interleave."""

        def work(statements: Statements) -> T:
            for user_id in scope.new_wallets:
                statements.change(self._add_wallet, (user_id,))
            changes, result = decide(self._view(statements, scope))
            _write(statements, changes)
            return result

        try:
            return await self._database.run(work, durable=self._sync_commits and scope.is_durable)
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

    async def find_entry(self, key: str) -> EntryRow | None:
        """Return the entry booked under a key."""
        statement = select(*(ledger_entries.c[name] for name in ENTRY_COLUMNS)).where(ledger_entries.c.key == key)

        def work(session: Session) -> EntryRow | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else _entry(row)

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
        wallets = self._found(statements, self._read_wallets, scope.user_ids)
        holds = self._found(statements, self._read_holds, scope.hold_keys)
        entries = self._found(statements, self._read_entries, scope.entry_keys)
        return LedgerView(
            wallets={row[0]: WalletRow(*row) for row in wallets},
            holds={row[-1]: HoldRow(*row) for row in holds},
            entries={entry.key or "": entry for entry in map(_entry, entries)},
        )

    def _found(self, statements: Statements, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if not values:
            return ()
        if self._is_sqlite:
            # One row that holds all rows: the driver gives up the interpreter lock once for each row it fetches.
            found: str = statements.rows(sql, (msgspec.json.encode(values).decode(),))[0][0]
            return _ROWS.decode(found)
        return statements.rows(sql, (list(values),))


def _write(statements: Statements, changes: LedgerChanges) -> None:
    if changes.wallets:
        differences = [(w.user_id, w.trial, w.allowance, w.purchased, w.held) for w in changes.wallets]
        _expect(update_rows(statements, WALLET_UPDATE, differences), len(differences), "wallets")
    if changes.new_holds:
        insert_rows(statements, "ledger_holds", HOLD_COLUMNS, [_values(hold) for hold in changes.new_holds])
    if changes.changed_holds:
        values = [_values(hold)[:-2] for hold in changes.changed_holds]
        _expect(update_rows(statements, HOLD_UPDATE, values), len(values), "holds")
    internal = [_internal_values(entry) for entry in changes.entries if entry.kind in INTERNAL_KINDS]
    visible = [_values(entry) for entry in changes.entries if entry.kind not in INTERNAL_KINDS]
    insert_rows(statements, "ledger_entries", INTERNAL_COLUMNS, internal)
    insert_rows(statements, "ledger_entries", ENTRY_COLUMNS, visible)
    for entry in changes.entries:
        if entry.kind not in _CALLS:
            tell_added_credit(statements, entry)


def _values(row: HoldRow | EntryRow) -> tuple[Any, ...]:
    return msgspec.structs.astuple(row)


def _internal_values(entry: EntryRow) -> tuple[Any, ...]:
    return (
        entry.id,
        entry.kind,
        entry.user_id,
        entry.reference,
        entry.trial,
        entry.allowance,
        entry.purchased,
        entry.held,
        entry.balance_after,
    )


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
