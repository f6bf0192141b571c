"""The allowlist of addresses on SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from gatewayz.sdk.errors import Conflict
from gatewayz.store.allowlist_records import AllowlistChanges, AllowlistEntry, AllowlistFilter
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.tables.access import EVERYBODY, ip_allowlist

__all__ = ["SqlAllowlistStore"]


class SqlAllowlistStore:
    """Allowlist entries on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AllowlistEntry) -> None:
        """Add an entry. Raises Conflict (param `ip_address`) when the network is listed for the same people."""
        values = {**msgspec.structs.asdict(entry), "user_id": entry.user_id or EVERYBODY}

        def work(session: Session) -> None:
            try:
                session.execute(insert(ip_allowlist).values(values))
            except IntegrityError as err:
                if not is_duplicate(err):
                    raise
                raise Conflict(f"{entry.network} is listed already.", param="ip_address") from err

        await self._database.write(work)

    async def find(self, entry_id: str) -> AllowlistEntry | None:
        """Return an entry."""
        statement = select(ip_allowlist).where(ip_allowlist.c.id == entry_id)

        def work(session: Session) -> AllowlistEntry | None:
            row = session.execute(statement).mappings().first()
            return None if row is None else _entry(row)

        return await self._database.read(work)

    async def list_entries(self, wanted: AllowlistFilter) -> Sequence[AllowlistEntry]:
        """Return entries, oldest first."""
        statement = select(ip_allowlist).order_by(ip_allowlist.c.created_at, ip_allowlist.c.id)
        if wanted.user_id is not None:
            statement = statement.where(ip_allowlist.c.user_id == wanted.user_id)
        if wanted.is_enabled is not None:
            statement = statement.where(ip_allowlist.c.is_enabled == wanted.is_enabled)
        if wanted.expires_after is not None:
            ends_at = ip_allowlist.c.expires_at
            statement = statement.where(or_(ends_at.is_(None), ends_at > wanted.expires_after))
        return await self._database.read(lambda session: [_entry(row) for row in session.execute(statement).mappings()])

    async def change(self, entry_id: str, changes: AllowlistChanges, now: datetime) -> AllowlistEntry | None:
        """Change an entry; None when there is none."""
        values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        statement = (
            update(ip_allowlist)
            .where(ip_allowlist.c.id == entry_id)
            .values({**values, "updated_at": now})
            .returning(ip_allowlist)
        )

        def work(session: Session) -> AllowlistEntry | None:
            row = session.execute(statement).mappings().first()
            return None if row is None else _entry(row)

        return await self._database.write(work)

    async def remove(self, entry_id: str) -> bool:
        """Remove an entry; False when there is none."""
        statement = delete(ip_allowlist).where(ip_allowlist.c.id == entry_id).returning(ip_allowlist.c.id)
        return await self._database.write(lambda session: session.execute(statement).first() is not None)


def _entry(row: Mapping[str, Any] | Any) -> AllowlistEntry:
    return AllowlistEntry(**{**row, "user_id": row["user_id"] or None})
