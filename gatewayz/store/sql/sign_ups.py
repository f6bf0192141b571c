"""Accounts of people: found or made by identity, and described."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from gatewayz.sdk.errors import Conflict, ResourceNotFound
from gatewayz.store.profile_records import NOWHERE, NewAccount, Profile, ProfileChanges, SignedIn
from gatewayz.store.records import User
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.roles import require_other_admin
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.sign_ups import IdentityRow, ProfileRow, ResetTokenRow
from gatewayz.store.sql.users import profile_of, user_of

__all__ = ["SqlSignUpStore"]

T = TypeVar("T")
_ATTEMPTS: Final = 5
"""Parallel first sign-ins meet at the unique keys; whoever is refused looks again."""


class SqlSignUpStore:
    """Profiles, identities, reset tokens."""

    def __init__(self, database: Database, draw: Callable[[], str] = lambda: token_hex(3)) -> None:
        self._database = database
        self._draw = draw

    async def sign_in(self, provider: str, subject: str, account: NewAccount, now: datetime) -> SignedIn:
        """Return whose identity it is, made now when nobody's: once, however many ask at the same time.

        A verified address leads to the account that has it verified; an account that merely says it has that
        address loses it. An address that is not verified never leads anywhere.
        """

        def work(session: Session) -> SignedIn:
            known = session.exec(
                select(IdentityRow).where(IdentityRow.provider == provider, IdentityRow.subject == subject)
            ).one_or_none()
            if known is not None:
                user = session.get_one(UserRow, known.user_id)
                return SignedIn(
                    user=user_of(user), profile=_profile(session, user), is_new=False, is_founder=known.is_founder
                )
            found = _of_address(session, account, now)
            user = found or _insert(session, account, f"{provider}\0{subject}", now, self._draw)
            assert user.id is not None  # noqa: S101  (the database gave it one)
            session.add(
                IdentityRow(
                    provider=provider, subject=subject, user_id=user.id, is_founder=found is None, created_at=now
                )
            )
            session.flush()
            return SignedIn(
                user=user_of(user), profile=_profile(session, user), is_new=found is None, is_founder=found is None
            )

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._database.write(work)
            except IntegrityError as err:
                if not is_duplicate(err) or attempt == _ATTEMPTS:
                    raise
        raise AssertionError  # the last attempt raised

    async def register(self, account: NewAccount, now: datetime) -> SignedIn:
        """Make an account. Raises Conflict (param `email` or `username`)."""

        def work(session: Session) -> SignedIn:
            if account.email is not None and _holder(session, account.email) is not None:
                raise Conflict("This e-mail address has an account already.", param="email")
            user = _insert(session, account, token_hex(16), now, self._draw)
            return SignedIn(user=user_of(user), profile=_profile(session, user), is_new=True, is_founder=True)

        return await self._once(work)

    async def find_profile(self, user: User) -> Profile:
        """Return a user's profile; an account that an operator made has one made up from its address."""

        def work(session: Session) -> Profile:
            return _profile(session, session.get_one(UserRow, user.id))

        return await self._database.read(work)

    async def change_profile(self, user_id: int, changes: ProfileChanges, now: datetime) -> None:
        """Change a profile; a new address is not verified. Raises Conflict (`email`, `username`)."""

        def work(session: Session) -> None:
            user = session.get(UserRow, user_id, with_for_update=True)
            if user is None:
                raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
            row = session.get(ProfileRow, user_id) or _row_of(user_id, _profile(session, user))
            for name in ("name", "preferences", "settings"):
                if (value := getattr(changes, name)) is not UNSET:
                    setattr(row, name, value)
            if changes.username is not UNSET:
                if changes.username.casefold() != row.username_folded and _has_username(session, changes.username):
                    raise Conflict("This user name is taken.", param="username")
                row.username, row.username_folded = changes.username, changes.username.casefold()
            if changes.email is not UNSET and changes.email.casefold() != user.email_folded:
                if _holder(session, changes.email) is not None:
                    raise Conflict("This e-mail address has an account already.", param="email")
                user.email, user.email_folded = changes.email, changes.email.casefold()
                row.is_email_verified = False
            user.updated_at = now
            session.add(row)
            session.flush()
            announce(session, user_id, "profile changed", now)

        await self._once(work)

    async def close_account(self, user_id: int, now: datetime) -> None:
        """Put an account out of force and forget who it was; money and usage stay for the books."""

        def work(session: Session) -> None:
            user = session.get_one(UserRow, user_id, with_for_update=True)
            require_other_admin(session, user)
            user.is_active = False
            user.email = user.email_folded = f"closed-{user_id}{NOWHERE}"
            user.updated_at = now
            for row in session.exec(select(IdentityRow).where(IdentityRow.user_id == user_id)):
                session.delete(row)
            if (profile := session.get(ProfileRow, user_id)) is not None:
                session.delete(profile)
            session.flush()
            announce(session, user_id, "account closed", now)

        await self._database.write(work)

    async def add_reset_token(self, token_hash: bytes, user_id: int, expires_at: datetime) -> None:
        """Keep a token of a reset mail."""
        row = ResetTokenRow(token_hash=token_hash, user_id=user_id, expires_at=expires_at)
        await self._database.write(lambda session: session.add(row))

    async def use_reset_token(self, token_hash: bytes, now: datetime) -> bool:
        """Use a token up; False for one that is unknown, over, or used."""

        def work(session: Session) -> bool:
            used = (
                update(ResetTokenRow)
                .where(
                    col(ResetTokenRow.token_hash) == token_hash,
                    col(ResetTokenRow.used_at).is_(None),
                    col(ResetTokenRow.expires_at) > now,
                )
                .values(used_at=now)
                .returning(col(ResetTokenRow.user_id))
            )
            return bool(session.scalars(used).all())

        return await self._database.write(work)

    async def _once(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._database.write(work)
        except IntegrityError as err:
            if not is_duplicate(err):
                raise
            raise Conflict("This e-mail address or user name has just been taken.", param="email") from err


def _of_address(session: Session, account: NewAccount, now: datetime) -> UserRow | None:
    """Return the account a verified address leads to; take the address from one that only claims it."""
    if account.email is None or not account.is_email_verified:
        return None
    user = _holder(session, account.email)
    if user is None or _profile(session, user).is_email_verified:
        return user
    user.email = user.email_folded = f"claimed-{user.id}{NOWHERE}"
    user.updated_at = now
    session.flush()
    assert user.id is not None  # noqa: S101  (it was read)
    announce(session, user.id, "address taken back", now)
    return None


def _insert(session: Session, account: NewAccount, seed: str, now: datetime, draw: Callable[[], str]) -> UserRow:
    email = account.email
    if email is None or _holder(session, email) is not None:
        email = sha256(seed.encode()).hexdigest()[:32] + NOWHERE
    username = account.username
    if _has_username(session, username):
        if account.must_keep_username:
            raise Conflict("This user name is taken.", param="username")
        username = f"{username[:80]}_{draw()}"
    user = UserRow(email=email, email_folded=email.casefold(), role="user", created_at=now, updated_at=now)
    session.add(user)
    session.flush()
    assert user.id is not None  # noqa: S101  (the database gave it one)
    profile = Profile(
        username=username,
        name=account.name,
        auth_method=account.auth_method,
        phone_number=account.phone_number,
        is_email_verified=account.is_email_verified and email == account.email,
        is_suspect=account.is_suspect,
    )
    session.add(_row_of(user.id, profile))
    session.flush()
    return user


def _row_of(user_id: int, profile: Profile) -> ProfileRow:
    values = msgspec.structs.asdict(profile)
    return ProfileRow(user_id=user_id, username_folded=profile.username.casefold(), **values)


def _profile(session: Session, user: UserRow) -> Profile:
    return profile_of(user, session.get(ProfileRow, user.id))


def _holder(session: Session, email: str) -> UserRow | None:
    return session.exec(select(UserRow).where(UserRow.email_folded == email.casefold())).one_or_none()


def _has_username(session: Session, username: str) -> bool:
    statement = select(ProfileRow.user_id).where(ProfileRow.username_folded == username.casefold())
    return session.exec(statement).one_or_none() is not None
