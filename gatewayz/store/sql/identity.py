"""What authenticating reads."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from gatewayz.store.records import IdentityChange, KeyHolder, KeyUse
from gatewayz.store.sql.database import Database
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

        def work(session: Session) -> KeyHolder | None:
            found = session.exec(
                select(ApiKeyRow, UserRow, ProfileRow.is_suspect)
                .join(UserRow, col(UserRow.id) == col(ApiKeyRow.user_id))
                .outerjoin(ProfileRow, col(ProfileRow.user_id) == col(UserRow.id))
                .where(ApiKeyRow.lookup_hash == lookup_hash)
            ).one_or_none()
            if found is None:
                return None
            key, user, is_suspect = found
            return KeyHolder(key=key_of(key), user=user_of(user), is_suspect=bool(is_suspect))

        return await self._database.read(work)

    async def identity_revision(self) -> int:
        """Return the number of the newest change of any user or key."""

        def work(session: Session) -> int:
            return session.exec(select(RevisionRow.value).where(RevisionRow.name == "identity")).one()

        return await self._database.read(work)

    async def list_identity_changes(self, after: int) -> Sequence[IdentityChange]:
        """Return the changes after a revision, oldest first; one with `user_id` None when some are forgotten."""

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
            return [IdentityChange(revision=revision, user_id=user_id) for revision, user_id in rows]

        return await self._database.read(work)

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

    async def count_uses(self, key_id: int) -> int:
        """Return how many calls a key has made, 0 for an unknown one."""
        statement = select(ApiKeyRow.requests_used).where(ApiKeyRow.id == key_id)
        return await self._database.read(lambda session: session.exec(statement).first() or 0)
