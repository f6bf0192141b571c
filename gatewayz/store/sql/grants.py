"""Promised value, until the ledger has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlmodel import Session

from gatewayz.store.grant_records import Grant, NewGrant
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.promotions import grants

__all__ = ["SqlGrantStore", "add_grant", "grant_of"]


class SqlGrantStore:
    """Grants on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_grant(self, grant_id: int) -> Grant | None:
        """Return a grant."""
        statement = select(grants).where(grants.c.id == grant_id)

        def work(session: Session) -> Grant | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else grant_of(row)

        return await self._database.read(work)

    async def list_unbooked(self, after: int, limit: int) -> Sequence[Grant]:
        """Return grants that the ledger does not have yet, with ids above `after`, in order of id."""
        wanted = grants.c.entry_id.is_(None) & (grants.c.id > after)
        statement = select(grants).where(wanted).order_by(grants.c.id).limit(limit)

        def work(session: Session) -> list[Grant]:
            return [grant_of(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)

    async def mark_booked(self, grant_id: int, *, entry_id: int, before: int, after: int) -> None:
        """Note that the ledger has it; a repeat changes nothing."""
        statement = (
            update(grants)
            .where(grants.c.id == grant_id, grants.c.entry_id.is_(None))
            .values(entry_id=entry_id, before_nano=before, after_nano=after)
        )

        def work(session: Session) -> None:
            session.execute(statement)

        await self._database.write(work)


def add_grant(session: Session, grant: NewGrant, now: datetime) -> Grant:
    """Promise value, in the transaction of what earns it. Raises IntegrityError when the key is taken."""
    row = (
        session.execute(
            insert(grants)
            .values(
                key=grant.key,
                user_id=grant.user_id,
                kind=grant.kind,
                account=grant.account,
                amount_nano=grant.amount,
                details=msgspec.json.encode(grant.details).decode(),
                created_at=now,
            )
            .returning(grants)
        )
        .mappings()
        .one()
    )
    return grant_of(row)


def grant_of(row: Any) -> Grant:
    """Return the record of a row."""
    return Grant(
        id=row["id"],
        key=row["key"],
        user_id=row["user_id"],
        kind=row["kind"],
        account=row["account"],
        amount=row["amount_nano"],
        details=msgspec.json.decode(row["details"]),
        created_at=row["created_at"],
        entry_id=row["entry_id"],
        before=row["before_nano"],
        after=row["after_nano"],
    )
