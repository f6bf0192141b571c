"""Users."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from gatewayz.sdk.errors import Conflict
from gatewayz.store.profile_records import Profile
from gatewayz.store.records import NewUser, User, UserChanges
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.sign_ups import ProfileRow

__all__ = ["SqlAccountStore", "profile_of", "user_of"]


class SqlAccountStore:
    """`gatewayz.store.ports.AccountStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_user(self, user: NewUser, now: datetime) -> User:
        """Make a user. Raises Conflict (param `email`) when the address is taken, in any spelling."""

        def work(session: Session) -> User:
            row = UserRow(
                email=user.email,
                email_folded=user.email.casefold(),
                role=user.role,
                plan=user.plan,
                trial_ends_at=user.trial_ends_at,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            _flush(session)
            return user_of(row)

        return await self._database.write(work)

    async def find_user(self, user_id: int) -> User | None:
        """Return a user."""

        def work(session: Session) -> User | None:
            row = session.get(UserRow, user_id)
            return None if row is None else user_of(row)

        return await self._database.read(work)

    async def find_user_by_email(self, email: str) -> User | None:
        """Return the user of an address, in any spelling."""

        def work(session: Session) -> User | None:
            row = session.exec(select(UserRow).where(UserRow.email_folded == email.casefold())).one_or_none()
            return None if row is None else user_of(row)

        return await self._database.read(work)

    async def list_users(self, *, after: int = 0, limit: int = 50) -> Sequence[User]:
        """Return users with ids above `after`, in order of id."""

        def work(session: Session) -> list[User]:
            statement = select(UserRow).where(col(UserRow.id) > after).order_by(col(UserRow.id)).limit(limit)
            return [user_of(row) for row in session.exec(statement)]

        return await self._database.read(work)

    async def update_user(self, user_id: int, changes: UserChanges, now: datetime) -> User | None:
        """Change a user, None when there is none. Raises Conflict (param `email`)."""

        def work(session: Session) -> User | None:
            row = session.get(UserRow, user_id, with_for_update=True)
            if row is None:
                return None
            for name, value in msgspec.structs.asdict(changes).items():
                if value is not UNSET:
                    setattr(row, name, value)
            row.email_folded = row.email.casefold()
            row.updated_at = now
            _flush(session)
            announce(session, user_id, "user changed", now)
            return user_of(row)

        return await self._database.write(work)


def user_of(row: UserRow) -> User:
    """Return the record of a row that has been written."""
    assert row.id is not None  # noqa: S101  (the database gave it one)
    return User(
        id=row.id,
        email=row.email,
        role=row.role,
        plan=row.plan,
        is_active=row.is_active,
        trial_ends_at=row.trial_ends_at,
        plan_ends_at=row.plan_ends_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def profile_of(user: UserRow, row: ProfileRow | None) -> Profile:
    """Return the profile of a user; an account that an operator made has one made up from its address."""
    if row is None:  # the operator vouches for the address
        return Profile(username=f"{user.email.partition('@')[0][:80]}_{user.id}", is_email_verified=True)
    return msgspec.convert(row.model_dump(exclude={"user_id", "username_folded"}), Profile)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as err:
        if not is_duplicate(err):
            raise
        raise Conflict("This e-mail address has an account already.", param="email") from err
