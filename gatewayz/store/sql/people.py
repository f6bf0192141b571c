"""Lists and sums over users and what they used, made by the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, case, func, literal_column, select
from sqlmodel import Session, col

from gatewayz.store.moment_id import EPOCH, first_id
from gatewayz.store.profile_records import UserFilter
from gatewayz.store.records import User
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import ApiKeyRow, UserRow
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.sql.users import user_of

__all__ = ["SqlPeopleStore", "UsageSum"]

_C = usage_log.c
_DAY: Final[ColumnElement[int]] = literal_column("((id >> 22) / 86400000)")
"""Days since the epoch of moment ids; integers divide alike on both databases."""
_TOKENS: Final = _C.input_tokens + _C.output_tokens


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

    async def count_kinds(self, wanted: UserFilter, now: datetime) -> Mapping[tuple[str, bool, str], int]:
        """Return how many users there are by role, activity and subscription status."""
        ends = col(UserRow.plan_ends_at)
        status = case(
            (col(UserRow.plan).is_not(None) & (ends.is_(None) | (ends > now)), "active"),
            (col(UserRow.trial_ends_at) > now, "trial"),
            (col(UserRow.trial_ends_at).is_not(None), "expired"),
            else_="inactive",
        )
        statement = (
            select(col(UserRow.role), col(UserRow.is_active), status, func.count())
            .where(*_conditions(wanted))
            .group_by(col(UserRow.role), col(UserRow.is_active), status)
        )

        def work(session: Session) -> dict[tuple[str, bool, str], int]:
            counts: dict[tuple[str, bool, str], int] = {}
            for role, active, word, count in session.execute(statement):
                counts[role, active, word] = counts.get((role, active, word), 0) + count
            return counts

        return await self._database.read(work)

    async def count_new(self, since: datetime) -> tuple[int, Sequence[datetime]]:
        """Return how many users there were before a moment, and when those since then were made."""
        before = select(func.count()).select_from(UserRow).where(col(UserRow.created_at) < since)
        later = select(col(UserRow.created_at)).where(col(UserRow.created_at) >= since)

        def work(session: Session) -> tuple[int, Sequence[datetime]]:
            return session.execute(before).scalar_one(), list(session.scalars(later))

        return await self._database.read(work)


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
