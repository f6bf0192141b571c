"""Pages and sums over everybody's calls, made by the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from gatewayz.store.moment_id import first_id
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.ledger import ledger_wallets
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.usage_records import (
    GroupColumn,
    UsageApp,
    UsageFilter,
    UsageGroup,
    UsageTotals,
    UserTotals,
    Wallets,
)

__all__ = ["SqlUsageReports"]

_C: Final = usage_log.c
_NAME: Final = func.coalesce(_C.model, _C.requested_model)
_INPUT: Final = (
    _C.input_tokens + _C.cache_read_tokens + _C.cache_write_5m_tokens + _C.cache_write_1h_tokens + _C.audio_input_tokens
)
"""The parts of what was read are kept apart."""
_OUTPUT: Final = _C.output_tokens + _C.reasoning_tokens + _C.audio_output_tokens
_LEFT: Final = 499


class SqlUsageReports:
    """Reads only. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: UsageFilter, *, limit: int, offset: int) -> Sequence[Mapping[str, Any]]:
        """Return rows of the usage log, newest first."""
        conditions = _conditions(wanted)
        statement = usage_log.select().where(*conditions).order_by(_C.id.desc()).limit(limit).offset(offset)

        def work(session: Session) -> list[Mapping[str, Any]]:
            return [dict(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)

    async def totals(self, wanted: UsageFilter) -> UsageTotals:
        """Return the sums of calls."""
        failed = ((_C.status >= 400) & (_C.status != _LEFT)) | ((_C.status < 400) & _C.error_code.is_not(None))
        statement = select(
            func.count().label("requests"),
            func.count().filter(failed).label("failed_requests"),
            _sum(_INPUT).label("input_tokens"),
            _sum(_OUTPUT).label("output_tokens"),
            _sum(_C.duration_ms).label("duration_ms"),
            _sum(_C.cost_nano).label("cost"),
            _sum(_C.charged_nano).label("charged"),
            func.count(_C.user_id.distinct()).label("users"),
        ).where(*_conditions(wanted))

        def work(session: Session) -> UsageTotals:
            found = session.execute(statement).mappings().one()
            return UsageTotals(**{name: int(value) for name, value in found.items()})

        return await self._database.read(work)

    async def group(self, wanted: UsageFilter, by: GroupColumn, *, limit: int) -> Sequence[UsageGroup]:
        """Return the sums of each model or provider, most calls first."""
        name = _NAME if by == "model" else _C.provider
        statement = (
            select(name, func.count(), _sum(_INPUT + _OUTPUT), _sum(_C.charged_nano))
            .where(*_conditions(wanted), name.is_not(None))
            .group_by(name)
            .order_by(func.count().desc(), name)
            .limit(limit)
        )

        def work(session: Session) -> list[UsageGroup]:
            return [
                UsageGroup(name=name, requests=count, tokens=int(tokens), charged=int(charged))
                for name, count, tokens, charged in session.execute(statement)
            ]

        return await self._database.read(work)

    async def apps(self, since: datetime, until: datetime, *, limit: int) -> Sequence[UsageApp]:
        """Return the applications that named themselves in answered calls, most tokens first.

        An address goes by the name that most of its tokens came under: nobody renames another's application by a call.
        """
        wanted, key = UsageFilter(since=since, until=until), func.coalesce(_C.app_url, _C.app)
        named = (
            select(
                key.label("key"),
                _C.app,
                func.max(_C.app_url).label("url"),
                func.count().label("requests"),
                _sum(_INPUT + _OUTPUT).label("tokens"),
            )
            .where(*_conditions(wanted), _C.app.is_not(None), _C.charged_nano.is_not(None))
            .group_by(key, _C.app)
            .subquery()
        )
        ranked = select(
            named.c.app,
            named.c.url,
            func.sum(named.c.requests).over(partition_by=named.c.key).label("requests"),
            func.sum(named.c.tokens).over(partition_by=named.c.key).label("tokens"),
            func.row_number()
            .over(partition_by=named.c.key, order_by=(named.c.tokens.desc(), named.c.app))
            .label("place"),
            named.c.key,
        ).subquery()
        shown = ranked.c
        statement = (
            select(shown.app, shown.url, shown.requests, shown.tokens)
            .where(shown.place == 1)
            .order_by(shown.tokens.desc(), shown.key)
            .limit(limit)
        )

        def work(session: Session) -> list[UsageApp]:
            return [
                UsageApp(name=name, url=url, requests=int(count), tokens=int(tokens))
                for name, url, count, tokens in session.execute(statement)
            ]

        return await self._database.read(work)

    async def top_users(self, wanted: UsageFilter, *, limit: int) -> Sequence[UserTotals]:
        """Return who made most calls."""
        statement = (
            select(_C.user_id, func.count(), _sum(_INPUT + _OUTPUT), _sum(_C.charged_nano))
            .where(*_conditions(wanted), _C.user_id.is_not(None))
            .group_by(_C.user_id)
            .order_by(func.count().desc(), _C.user_id)
            .limit(limit)
        )

        def work(session: Session) -> list[UserTotals]:
            return [
                UserTotals(user_id=user_id, requests=count, tokens=int(tokens), charged=int(charged))
                for user_id, count, tokens, charged in session.execute(statement)
            ]

        return await self._database.read(work)

    async def wallets(self) -> Wallets:
        """Return what all customers have together."""
        own = ledger_wallets.c
        statement = select(_sum(own.trial + own.allowance + own.purchased), _sum(own.held))

        def work(session: Session) -> Wallets:
            spendable, held = session.execute(statement).one()
            return Wallets(spendable=int(spendable), held=int(held))

        return await self._database.read(work)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(column), 0)


def _conditions(wanted: UsageFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.model is not None:
        conditions.append(_NAME.is_not_distinct_from(wanted.model))
    if wanted.provider is not None:
        conditions.append(_C.provider == wanted.provider)
    if wanted.name is not None:
        conditions.append(func.lower(_NAME).contains(wanted.name.lower(), autoescape=True))
    if wanted.key_id is not None:
        conditions.append(_C.key_id == wanted.key_id)
    if wanted.since is not None:
        conditions.append(_C.id >= first_id(wanted.since))
    if wanted.until is not None:
        conditions.append(_C.id < first_id(wanted.until))
    return conditions
