"""Lists and sums over the journal, for administrators; and what each of them gave away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, select, text
from sqlmodel import Session

from gatewayz.store.journal_records import EntryFilter, EntryPage, KindSum, MoneyTotals, SortBy
from gatewayz.store.ledger_records import ENTRY_COLUMNS, INTERNAL_KINDS, EntryRow
from gatewayz.store.moment_id import first_id
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.ledger import ledger_entries, ledger_wallets
from gatewayz.store.sql.tables.payments import admin_grants

__all__ = ["SqlGrantedStore", "SqlJournal"]

_C: Final = ledger_entries.c
_CHANGE: Final = _C.trial + _C.allowance + _C.purchased + _C.held
_VISIBLE: Final = text(f"kind NOT IN ({', '.join(repr(kind) for kind in INTERNAL_KINDS)})")
_SORTS: Final[dict[SortBy, ColumnElement[Any]]] = {"created_at": _C.id, "amount": _CHANGE, "transaction_type": _C.kind}
_LOCK: Final = 0x6772616E
"""Class of the advisory locks of PostgreSQL that grants of one administrator take."""


class SqlJournal:
    """Reads entries of all customers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: EntryFilter, *, limit: int, offset: int, sort_by: SortBy = "created_at", ascending: bool = False
    ) -> EntryPage:
        """Return entries, and how many there are in all."""
        conditions = _conditions(wanted)
        order = _SORTS[sort_by]
        columns = [_C[name] for name in ENTRY_COLUMNS]
        page = (
            select(*columns)
            .where(*conditions)
            .order_by(order.asc() if ascending else order.desc(), _C.id.asc() if ascending else _C.id.desc())
            .limit(limit)
            .offset(offset)
        )
        count = select(func.count()).select_from(ledger_entries).where(*conditions)

        def work(session: Session) -> EntryPage:
            rows = [_entry(row) for row in session.execute(page)]
            return EntryPage(entries=rows, total=session.execute(count).scalar_one())

        return await self._database.read(work)

    async def find(self, entry_id: int) -> EntryRow | None:
        """Return an entry."""
        statement = select(*(_C[name] for name in ENTRY_COLUMNS)).where(_C.id == entry_id)

        def work(session: Session) -> EntryRow | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else _entry(row)

        return await self._database.read(work)

    async def totals(self, wanted: EntryFilter) -> MoneyTotals:
        """Return sums by kind over the entries of a filter, and what users have at this moment."""
        sums = (
            select(
                _C.kind,
                func.count(),
                func.coalesce(func.sum(case((_CHANGE > 0, _CHANGE), else_=0)), 0),
                func.coalesce(func.sum(case((_CHANGE < 0, -_CHANGE), else_=0)), 0),
            )
            .where(*_conditions(wanted))
            .group_by(_C.kind)
        )
        w = ledger_wallets.c
        wallets = select(func.coalesce(func.sum(w.trial + w.allowance + w.purchased + w.held), 0))

        def work(session: Session) -> MoneyTotals:
            by_kind = {
                kind: KindSum(count=count, added=int(added), used=int(used))
                for kind, count, added, used in session.execute(sums)
            }
            users = session.execute(select(func.count()).select_from(UserRow)).scalar_one()
            return MoneyTotals(users=users, held_by_users=int(session.execute(wallets).scalar_one()), by_kind=by_kind)

        return await self._database.read(work)


class SqlGrantedStore:
    """What administrators gave away lately, so that a cap holds however many of their requests run at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, actor: str, grants: Sequence[tuple[int, int]], reason: str, *, since: datetime, cap: int, now: datetime
    ) -> Sequence[int] | None:
        """Note grants (user and amount) when the actor's sum since a moment stays within the cap; return their ids."""
        sums = select(func.coalesce(func.sum(admin_grants.c.amount), 0)).where(
            admin_grants.c.actor == actor, admin_grants.c.created_at > since
        )
        wanted = sum(amount for _, amount in grants)

        def work(session: Session) -> list[int] | None:
            if self._database.dialect == "postgresql":  # SQLite has one writer at a time anyway
                lock = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:actor))")
                session.execute(lock, {"kind": _LOCK, "actor": actor})
            if int(session.execute(sums).scalar_one()) + wanted > cap:
                return None
            ids: list[int] = []
            for user_id, amount in grants:
                row = {"actor": actor, "user_id": user_id, "amount": amount, "reason": reason, "created_at": now}
                ids.append(
                    session.execute(admin_grants.insert().values(**row).returning(admin_grants.c.id)).scalar_one()
                )
            return ids

        return await self._database.write(work)

    async def withdraw(self, grant_id: int) -> None:
        """Forget a grant that moved nothing."""
        statement = admin_grants.delete().where(admin_grants.c.id == grant_id)
        await self._database.write(lambda session: session.execute(statement))


def _conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    found: list[Any] = [_VISIBLE]
    if wanted.user_id is not None:
        found.append(_C.user_id == wanted.user_id)
    if wanted.kind is not None:
        found.append(_C.kind == wanted.kind)
    if wanted.since is not None:
        found.append(_C.id >= first_id(wanted.since))
    if wanted.until is not None:
        found.append(_C.id < first_id(wanted.until))
    if wanted.min_amount is not None:
        found.append(wanted.min_amount <= _CHANGE)
    if wanted.max_amount is not None:
        found.append(wanted.max_amount >= _CHANGE)
    if wanted.direction is not None:
        found.append(_CHANGE > 0 if wanted.direction == "credit" else _CHANGE < 0)
    if wanted.payment_id is not None:
        key = f"payment:{wanted.payment_id}"
        found.append((_C.key == key) | (_C.reference == key) | _C.key.like(f"{key}:%"))
    return found


def _entry(row: Any) -> EntryRow:
    return EntryRow(**dict(zip(ENTRY_COLUMNS, row, strict=True)))
