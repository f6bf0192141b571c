"""Roles of accounts and whether they are in force; every change is written down."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from gatewayz.sdk.errors import Conflict, ResourceNotFound
from gatewayz.store.profile_records import RoleChange
from gatewayz.store.records import User
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.tables.accounts import KeyAuditRow, UserRow
from gatewayz.store.sql.tables.sign_ups import ProfileRow, RoleAuditRow
from gatewayz.store.sql.users import profile_of, user_of

__all__ = ["SqlRoleStore", "require_other_admin"]


class SqlRoleStore:
    """What administrators do to accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_role(self, user_id: int, role: str, *, actor: str, reason: str | None, now: datetime) -> RoleChange:
        """Change a role and write it down. Raises ResourceNotFound; Conflict for the last administrator."""

        def work(session: Session) -> RoleChange:
            user = _locked(session, user_id)
            if role != "admin":
                require_other_admin(session, user)
            return _give_role(session, user, role, actor=actor, reason=reason, now=now)

        return await self._database.write(work)

    async def promote_verified(self, email: str, *, actor: str, reason: str, now: datetime) -> RoleChange | None:
        """Make the account that has an address verified an administrator's; None when there is nothing to change.

        However many processes ask at the same time, it is done and written down once.
        """
        wanted = select(UserRow).where(UserRow.email_folded == email.casefold()).with_for_update()

        def work(session: Session) -> RoleChange | None:
            user = session.exec(wanted).one_or_none()
            if user is None or not user.is_active or user.role == "admin":
                return None
            if not profile_of(user, session.get(ProfileRow, user.id)).is_email_verified:
                return None
            return _give_role(session, user, "admin", actor=actor, reason=reason, now=now)

        return await self._database.write(work)

    async def set_active(self, user_id: int, is_active: bool, *, actor: str, now: datetime) -> User:
        """Switch an account on or off. Raises ResourceNotFound; Conflict for the last administrator."""

        def work(session: Session) -> User:
            user = _locked(session, user_id)
            if not is_active:
                require_other_admin(session, user)
            return _switch(session, user, is_active, actor, now)

        return await self._database.write(work)

    async def list_of_domain(self, domain: str, limit: int) -> Sequence[User]:
        """Return the accounts in force with addresses of a mail domain or its subdomains; administrators are none."""
        wanted = _of_domain(domain, limit)
        return await self._database.read(lambda session: [user_of(row) for row in session.exec(wanted)])

    async def disable_domain(self, domain: str, limit: int, *, actor: str, now: datetime) -> Sequence[User]:
        """Switch those accounts off, at most `limit`; return them."""
        wanted = _of_domain(domain, limit).with_for_update()

        def work(session: Session) -> list[User]:
            return [_switch(session, row, False, actor, now) for row in session.exec(wanted).all()]

        return await self._database.write(work)

    async def list_role_changes(self, user_id: int | None, limit: int) -> Sequence[RoleChange]:
        """Return changes of roles, newest first."""

        def work(session: Session) -> list[RoleChange]:
            statement = select(RoleAuditRow).order_by(col(RoleAuditRow.id).desc()).limit(limit)
            if user_id is not None:
                statement = statement.where(RoleAuditRow.user_id == user_id)
            return [msgspec.convert(row.model_dump(), RoleChange) for row in session.exec(statement)]

        return await self._database.read(work)


def require_other_admin(session: Session, user: UserRow) -> None:
    """Raise Conflict when nobody else could administer; the rows of all administrators are locked."""
    if user.role != "admin" or not user.is_active:
        return
    wanted = select(UserRow.id).where(UserRow.role == "admin", col(UserRow.is_active)).order_by(col(UserRow.id))
    admins = session.exec(wanted.with_for_update()).all()
    if len(admins) < 2:
        raise Conflict("This is the last administrator; make another one first.", code="LAST_ADMIN", param="user_id")


def _locked(session: Session, user_id: int) -> UserRow:
    user = session.get(UserRow, user_id, with_for_update=True)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return user


def _give_role(
    session: Session, user: UserRow, role: str, *, actor: str, reason: str | None, now: datetime
) -> RoleChange:
    assert user.id is not None  # noqa: S101  (it was read)
    row = RoleAuditRow(
        user_id=user.id, previous_role=user.role, new_role=role, changed_by=actor, reason=reason, created_at=now
    )
    user.role, user.updated_at = role, now
    session.add(row)
    session.flush()
    announce(session, user.id, "role changed", now)
    return msgspec.convert(row.model_dump(), RoleChange)


def _switch(session: Session, user: UserRow, is_active: bool, actor: str, now: datetime) -> User:
    assert user.id is not None  # noqa: S101  (it was read)
    action = "account_enabled" if is_active else "account_disabled"
    user.is_active, user.updated_at = is_active, now
    session.add(KeyAuditRow(user_id=user.id, actor=actor, action=action, created_at=now))
    session.flush()
    announce(session, user.id, action, now)
    return user_of(user)


def _of_domain(domain: str, limit: int) -> SelectOfScalar[UserRow]:
    address = col(UserRow.email_folded)
    folded = domain.casefold()
    return (
        select(UserRow)
        .where(
            or_(address.endswith(f"@{folded}", autoescape=True), address.endswith(f".{folded}", autoescape=True)),
            col(UserRow.is_active),
            UserRow.role != "admin",
        )
        .order_by(col(UserRow.id))  # one order of locks in every process
        .limit(limit)
    )
