"""Lists and sums over users and what they used, made by the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, literal_column, select
from sqlmodel import Session, col

from gatewayz.store.moment_id import EPOCH, first_id
from gatewayz.store.profile_records import Account, KindCount, UserFilter
from gatewayz.store.records import ApiKey, User
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.keys import key_of
from gatewayz.store.sql.tables.accounts import ApiKeyRow, UserRow
from gatewayz.store.sql.tables.ledger import ledger_wallets
from gatewayz.store.sql.tables.payments import subscriptions
from gatewayz.store.sql.tables.sign_ups import ProfileRow
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.sql.users import profile_of, user_of

__all__ = ["SqlPeopleStore", "UsageSum"]

_C = usage_log.c
_DAY: Final[ColumnElement[int]] = literal_column("((id >> 22) / 86400000)")
"""Days since the epoch of moment ids; integers divide alike on both databases."""
_TOKENS: Final = _C.input_tokens + _C.output_tokens
_W = ledger_wallets.c
_SPENDABLE: Final = func.coalesce(_W.trial + _W.allowance + _W.purchased, 0)


class UsageSum(msgspec.Struct, frozen=True, kw_only=True):
    """What one user did on one day with one model at one provider."""

    day: datetime
    model: str
    provider: str
    requests: int
    tokens: int
    cost_nano: int
    charged_nano: int


class SqlPeopleStore:
    """Reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sum_usage(self, user_id: int, since: datetime, until: datetime) -> Sequence[UsageSum]:
        """Return a user's usage from `since` to before `until`, summed by day, model and provider."""
        name = func.coalesce(_C.model, _C.requested_model)
        provider = func.coalesce(_C.provider, "")
        statement = (
            select(
                _DAY,
                name,
                provider,
                func.count(),
                func.coalesce(func.sum(_TOKENS), 0),
                func.coalesce(func.sum(_C.cost_nano), 0),
                func.coalesce(func.sum(_C.charged_nano), 0),
            )
            .where(_C.user_id == user_id, _C.id >= first_id(since), _C.id < first_id(until))
            .group_by(_DAY, name, provider)
            .order_by(_DAY)
        )

        def work(session: Session) -> list[UsageSum]:
            return [
                UsageSum(
                    day=EPOCH + timedelta(days=int(day)),
                    model=model,
                    provider=by,
                    requests=requests,
                    tokens=int(tokens),
                    cost_nano=int(cost),
                    charged_nano=int(charged),
                )
                for day, model, by, requests, tokens, cost, charged in session.execute(statement)
            ]

        return await self._database.read(work)

    async def page_usage(
        self,
        user_id: int,
        *,
        since: datetime,
        until: datetime,
        model: str | None,
        provider: str | None,
        limit: int,
        offset: int,
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        """Return a user's calls, newest first, and how many there are in all."""
        wanted = [_C.user_id == user_id, _C.id >= first_id(since), _C.id < first_id(until)]
        if model is not None:
            wanted.append(func.coalesce(_C.model, _C.requested_model) == model)
        if provider is not None:
            wanted.append(_C.provider == provider)
        page = usage_log.select().where(*wanted).order_by(_C.id.desc()).limit(limit).offset(offset)
        count = select(func.count()).select_from(usage_log).where(*wanted)

        def work(session: Session) -> tuple[list[Mapping[str, Any]], int]:
            return [dict(row) for row in session.execute(page).mappings()], session.execute(count).scalar_one()

        return await self._database.read(work)

    async def page_users(self, wanted: UserFilter, *, limit: int, offset: int) -> tuple[Sequence[User], int]:
        """Return users in order of id, and how many there are in all."""
        conditions = _conditions(wanted)
        page = select(UserRow).where(*conditions).order_by(col(UserRow.id)).limit(limit).offset(offset)
        count = select(func.count()).select_from(UserRow).where(*conditions)

        def work(session: Session) -> tuple[list[User], int]:
            return [user_of(row) for row in session.scalars(page)], session.execute(count).scalar_one()

        return await self._database.read(work)

    async def owner_of_key(self, key_id: int) -> int | None:
        """Return whose key it is, for administrators; None for one that is unknown or revoked."""
        statement = select(col(ApiKeyRow.user_id)).where(
            col(ApiKeyRow.id) == key_id, col(ApiKeyRow.revoked_at).is_(None)
        )
        return await self._database.read(lambda session: session.scalars(statement).first())

    async def page_accounts(self, wanted: UserFilter, *, limit: int, offset: int) -> tuple[Sequence[Account], int]:
        """Return users in order of id with what lists show of them, and how many there are in all."""
        conditions = _conditions(wanted)
        page = (
            _joined(UserRow, ProfileRow, _SPENDABLE, subscriptions.c.status, ApiKeyRow)
            .outerjoin(ApiKeyRow, (col(ApiKeyRow.user_id) == col(UserRow.id)) & col(ApiKeyRow.is_primary))
            .where(*conditions)
            .order_by(col(UserRow.id))
            .limit(limit)
            .offset(offset)
        )
        count = select(func.count()).select_from(UserRow).where(*conditions)

        def work(session: Session) -> tuple[list[Account], int]:
            accounts = [
                Account(
                    user=user_of(user),
                    profile=profile_of(user, profile),
                    spendable=int(spendable),
                    subscription=subscription,
                    primary_key=None if key is None else (key.environment_tag, key.last_four),
                )
                for user, profile, spendable, subscription, key in session.execute(page)
            ]
            return accounts, session.execute(count).scalar_one()

        return await self._database.read(work)

    async def find_key(self, key_id: int) -> ApiKey | None:
        """Return anybody's key, for administrators; revoked ones too."""

        def work(session: Session) -> ApiKey | None:
            row = session.get(ApiKeyRow, key_id)
            return None if row is None else key_of(row)

        return await self._database.read(work)

    async def count_kinds(self, wanted: UserFilter, now: datetime) -> Sequence[KindCount]:
        """Return how many users there are by role, activity and subscription status, and what they can spend."""
        status = _status(now)
        kinds = (
            _joined(
                col(UserRow.role), col(UserRow.is_active), status, func.count(), func.coalesce(func.sum(_SPENDABLE), 0)
            )
            .where(*_conditions(wanted))
            .group_by(col(UserRow.role), col(UserRow.is_active), status)
        )

        def work(session: Session) -> list[KindCount]:
            return [
                KindCount(role=role, is_active=is_active, status=word, users=users, spendable=int(spendable))
                for role, is_active, word, users, spendable in session.execute(kinds)
            ]

        return await self._database.read(work)

    async def count_new(self, since: datetime) -> tuple[int, Sequence[datetime]]:
        """Return how many users there were before a moment, and when those since then were made."""
        before = select(func.count()).select_from(UserRow).where(col(UserRow.created_at) < since)
        later = select(col(UserRow.created_at)).where(col(UserRow.created_at) >= since)

        def work(session: Session) -> tuple[int, Sequence[datetime]]:
            return session.execute(before).scalar_one(), list(session.scalars(later))

        return await self._database.read(work)


def _joined(*columns: Any) -> Select[Any]:
    """Return a query of users with their profiles, wallets and subscriptions."""
    return (
        select(*columns)
        .select_from(UserRow)
        .outerjoin(ProfileRow, col(ProfileRow.user_id) == col(UserRow.id))
        .outerjoin(ledger_wallets, ledger_wallets.c.user_id == col(UserRow.id))
        .outerjoin(subscriptions, subscriptions.c.user_id == col(UserRow.id))
    )


def _status(now: datetime) -> ColumnElement[str]:
    """Return `gatewayz.domain.identity.standing.status_word` as the database computes it."""
    plan_ends, trial_ends, subscription = col(UserRow.plan_ends_at), col(UserRow.trial_ends_at), subscriptions.c.status
    return case(
        (col(ProfileRow.is_suspect), "bot"),
        (col(UserRow.plan).is_not(None) & (plan_ends.is_(None) | (plan_ends > now)), "active"),
        (subscription.in_(("active", "past_due")), subscription),
        (trial_ends > now, "trial"),
        (trial_ends.is_not(None), "expired"),
        (subscription == "canceled", "canceled"),
        else_="inactive",
    )


def _conditions(wanted: UserFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.email is not None:
        found.append(col(UserRow.email_folded).contains(wanted.email.casefold(), autoescape=True))
    if wanted.user_id is not None:
        found.append(col(UserRow.id) == wanted.user_id)
    if wanted.is_active is not None:
        found.append(col(UserRow.is_active).is_(wanted.is_active))
    if wanted.role is not None:
        found.append(col(UserRow.role) == wanted.role)
    return found
