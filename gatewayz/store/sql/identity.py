"""What authenticating reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Update, update
from sqlmodel import Session, col, select

from gatewayz.store.records import IdentityChange, KeyHolder, KeyUse
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.feed import EVERYBODY, announce
from gatewayz.store.sql.keys import key_of
from gatewayz.store.sql.tables.accounts import ApiKeyRow, IdentityChangeRow, RevisionRow, UserRow
from gatewayz.store.sql.tables.sign_ups import ProfileRow
from gatewayz.store.sql.users import user_of

__all__ = ["SqlIdentityStore"]

PAGE: Final = 1_000


class SqlIdentityStore:
    """`gatewayz.store.ports.IdentityStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_holder(self, lookup_hash: bytes) -> KeyHolder | None:
        """Return the key with that hash and its user, whatever their state."""
        return await self._find_holder(col(ApiKeyRow.lookup_hash) == lookup_hash)

    async def find_holder_of_id(self, key_id: int) -> KeyHolder | None:
        """Return the key of an id and its user, whatever their state."""
        return await self._find_holder(col(ApiKeyRow.id) == key_id)

    async def _find_holder(self, which: ColumnElement[bool]) -> KeyHolder | None:
        def work(session: Session) -> KeyHolder | None:
            found = session.exec(
                select(ApiKeyRow, UserRow, ProfileRow.is_suspect, col(ProfileRow.settings))
                .join(UserRow, col(UserRow.id) == col(ApiKeyRow.user_id))
                .outerjoin(ProfileRow, col(ProfileRow.user_id) == col(UserRow.id))
                .where(which)
            ).one_or_none()
            if found is None:
                return None
            key, user, is_suspect, settings = found
            return KeyHolder(key=key_of(key), user=user_of(user), is_suspect=bool(is_suspect), settings=settings or {})

        return await self._database.read(work)

    async def identity_revision(self) -> int:
        """Return the number of the newest change of any user or key."""

        def work(session: Session) -> int:
            return session.exec(select(RevisionRow.value).where(RevisionRow.name == "identity")).one()

        return await self._database.read(work)

    async def list_identity_changes(self, after: int) -> Sequence[IdentityChange]:
        """Return the changes after a revision, oldest first; with `user_id` None where everybody is meant."""

        def work(session: Session) -> list[IdentityChange]:
            newest = session.exec(select(RevisionRow.value).where(RevisionRow.name == "identity")).one()
            if newest == after:
                return []
            rows = session.exec(
                select(IdentityChangeRow.revision, IdentityChangeRow.user_id)
                .where(col(IdentityChangeRow.revision) > after)
                .order_by(col(IdentityChangeRow.revision))
                .limit(PAGE)
            ).all()
            # A gap (forgotten rows), or a database that was set back: nobody can be told apart.
            if newest < after or not rows or rows[0][0] != after + 1:
                return [IdentityChange(revision=newest, user_id=None)]
            return [IdentityChange(revision=revision, user_id=user_id or None) for revision, user_id in rows]

        return await self._database.read(work)

    async def forget_everybody(self, now: datetime) -> None:
        """Have every process read again whoever it knows."""
        await self._database.write(lambda session: announce(session, EVERYBODY, "everybody", now))

    async def record_uses(self, uses: Sequence[KeyUse]) -> None:
        """Add to the counters of keys; this is no change of identity."""
        ordered = sorted(uses, key=lambda use: use.key_id)  # one order of locks in every process

        def work(session: Session) -> None:
            for use in ordered:
                session.execute(
                    update(ApiKeyRow)
                    .where(col(ApiKeyRow.id) == use.key_id)
                    .values(requests_used=ApiKeyRow.requests_used + use.requests, last_used_at=use.last_used_at)
                )

        await self._database.write(work, durable=False)

    async def lease_uses(self, key_id: int, wanted: int) -> int:
        """Take uses of a key, at most an eighth of what is left but at least one; 0 when it is used up.

        A key whose bound has been lifted gives what is wanted.
        """
        statement = select(ApiKeyRow.max_requests, ApiKeyRow.requests_used).where(ApiKeyRow.id == key_id)

        def work(session: Session) -> int:
            found = session.exec(statement.with_for_update()).first()
            if found is None:
                return 0
            bound, used = found
            count = wanted if bound is None else min(wanted, max(1, (bound - used) // 8), max(0, bound - used))
            if count:
                session.execute(_add_uses(key_id, count))
            return count

        return await self._database.write(work, durable=False)

    async def return_uses(self, key_id: int, count: int) -> None:
        """Give uses back."""
        await self._database.write(lambda session: _returned(session, key_id, count), durable=False)


def _add_uses(key_id: int, count: int) -> Update:
    statement = update(ApiKeyRow).where(col(ApiKeyRow.id) == key_id)
    return statement.values(requests_used=ApiKeyRow.requests_used + count)


def _returned(session: Session, key_id: int, count: int) -> None:
    session.execute(_add_uses(key_id, -count).where(col(ApiKeyRow.requests_used) >= count))
