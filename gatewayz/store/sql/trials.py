"""Trials: started once, replaced once by a partner's, ended by the first payment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlmodel import Session, col

from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.store.grant_records import Grant, NewGrant
from gatewayz.store.moment_id import first_id, moment_of
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.grants import add_grant
from gatewayz.store.sql.tables.accounts import ApiKeyRow, UserRow
from gatewayz.store.sql.tables.promotions import trials
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.trial_records import NewTrial, Trial, TrialAccount, TrialFilter, TrialUsage

__all__ = ["SqlTrialStore"]

_COLUMN_OF = {"credits": "credits_nano", "daily_cap": "daily_cap_nano"}


class SqlTrialStore:
    """Trials on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, trial: NewTrial) -> Grant | None:
        """Start a user's standard trial and promise its credit; None when the user has had a trial.

        Raises ResourceNotFound for no such user.
        """

        def work(session: Session) -> Grant | None:
            user = _locked(session, trial.user_id)
            if user.trial_ends_at is not None or _find(session, trial.user_id) is not None:
                return None
            session.execute(insert(trials).values(**_values(trial)))
            _set_end(session, user, trial.ends_at, trial.started_at)
            return _grant_credits(session, trial, trial.credits, trial.started_at)

        return await self._database.write(work)

    async def start_partner(self, trial: NewTrial, given_without_row: int) -> tuple[Trial, Grant | None]:
        """Start a partner's trial: it replaces a standard one that was not converted.

        The later of both ends counts, and the difference of credits is promised.

        :param given_without_row: credits of a trial that has no row of its own.
        Raises InvalidRequest when there was a partner's trial, or the user has paid already.
        """

        def work(session: Session) -> tuple[Trial, Grant | None]:
            user = _locked(session, trial.user_id)
            before = _find(session, trial.user_id)
            _check_replaceable(before)
            given = before.credits if before else given_without_row if user.trial_ends_at else 0
            ends_at = max(trial.ends_at, user.trial_ends_at or trial.ends_at)
            started = msgspec.structs.replace(trial, ends_at=ends_at)
            if before is None:
                session.execute(insert(trials).values(**_values(started)))
            else:
                session.execute(update(trials).where(trials.c.user_id == user.id).values(**_values(started)))
            _set_end(session, user, ends_at, trial.started_at)
            grant = _grant_credits(session, started, trial.credits - given, trial.started_at)
            return msgspec.convert(msgspec.structs.asdict(started), Trial), grant

        return await self._database.write(work)

    async def find(self, user_id: int) -> Trial | None:
        """Return a user's trial, over or not."""
        return await self._database.read(lambda session: _find(session, user_id))

    async def convert(self, trial: NewTrial, now: datetime) -> bool:
        """End a user's trial because the user paid; False when there is none to end.

        :param trial: what is written for a trial that has no row of its own.
        """

        def work(session: Session) -> bool:
            user = _locked(session, trial.user_id)
            found = _find(session, trial.user_id)
            if user.trial_ends_at is None or (found is not None and found.converted_at is not None):
                return False
            if found is None:
                session.execute(insert(trials).values(**_values(trial)))
            usage = _usage(session, trial.user_id, (found or trial).started_at, now)
            session.execute(
                update(trials)
                .where(trials.c.user_id == trial.user_id)
                .values(
                    converted_at=now,
                    requests_at_conversion=usage.requests,
                    tokens_at_conversion=usage.tokens,
                )
            )
            _set_end(session, user, None, now)
            return True

        return await self._database.write(work)

    async def end(self, user_id: int, now: datetime) -> Trial | None:
        """End a partner's trial now, unconverted; None when there is none that runs."""

        def work(session: Session) -> Trial | None:
            user = _locked(session, user_id)
            found = _find(session, user_id)
            if found is None or found.kind != "partner" or found.converted_at is not None:
                return None
            ends_at = min(found.ends_at, now)
            session.execute(update(trials).where(trials.c.user_id == user_id).values(ends_at=ends_at))
            _set_end(session, user, ends_at, now)
            return msgspec.structs.replace(found, ends_at=ends_at)

        return await self._database.write(work)

    async def usage(self, user_id: int, since: datetime, day: datetime) -> TrialUsage:
        """Return what a user used since a moment, and spent since the beginning of a day."""
        return await self._database.read(lambda session: _usage(session, user_id, since, day))

    async def list_accounts(self, filter: TrialFilter) -> Sequence[TrialAccount]:
        """Return every user that has or had a trial, with what was used since its start."""
        used = usage_log.c
        counted = (
            select(UserRow, trials, ApiKeyRow)
            .add_columns(
                func.count(used.id).label("requests"),
                func.coalesce(func.sum(_tokens()), 0).label("tokens"),
                func.coalesce(func.sum(used.charged_nano), 0).label("spent"),
                func.max(used.id).label("last_usage_id"),
            )
            .select_from(UserRow)
            .outerjoin(trials, trials.c.user_id == col(UserRow.id))
            .outerjoin(ApiKeyRow, (col(ApiKeyRow.user_id) == col(UserRow.id)) & col(ApiKeyRow.is_primary))
            .outerjoin(
                usage_log,
                (used.user_id == col(UserRow.id))
                & (used.id >= func.coalesce(trials.c.first_usage_id, 0))
                & (used.status < 400),
            )
            .where(or_(trials.c.user_id.is_not(None), col(UserRow.trial_ends_at).is_not(None)))
            .group_by(col(UserRow.id), trials.c.user_id, col(ApiKeyRow.id))
            .order_by(col(UserRow.id))
        )
        if filter.domain is not None:
            counted = counted.where(col(UserRow.email_folded).endswith("@" + filter.domain.casefold(), autoescape=True))
        if filter.partner_code is not None:
            counted = counted.where(trials.c.partner_code == filter.partner_code)

        def work(session: Session) -> list[TrialAccount]:
            return [_account(row) for row in session.execute(counted)]

        return await self._database.read(work)


def _locked(session: Session, user_id: int) -> UserRow:
    user = session.get(UserRow, user_id, with_for_update=True)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return user


def _set_end(session: Session, user: UserRow, ends_at: datetime | None, now: datetime) -> None:
    assert user.id is not None  # noqa: S101  (it was read)
    user.trial_ends_at = ends_at
    user.updated_at = now
    announce(session, user.id, "trial changed", now)


def _find(session: Session, user_id: int) -> Trial | None:
    row = session.execute(select(trials).where(trials.c.user_id == user_id)).mappings().one_or_none()
    return None if row is None else _trial(row)


def _trial(row: Any) -> Trial:
    names = Trial.__struct_fields__
    return Trial(**{name: row[_COLUMN_OF.get(name, name)] for name in names})


def _values(trial: NewTrial) -> dict[str, Any]:
    values = {_COLUMN_OF.get(name, name): getattr(trial, name) for name in NewTrial.__struct_fields__}
    return {**values, "first_usage_id": first_id(trial.started_at)}


def _check_replaceable(before: Trial | None) -> None:
    if before is None:
        return
    if before.kind == "partner":
        raise InvalidRequest(
            "A partner trial can be started once; this account has had one.", code="PARTNER_TRIAL_USED"
        )
    if before.converted_at is not None:
        raise InvalidRequest("This account has paid already; a trial is for new customers.", code="TRIAL_NOT_AVAILABLE")


def _grant_credits(session: Session, trial: NewTrial, amount: int, now: datetime) -> Grant | None:
    if amount <= 0:
        return None
    grant = NewGrant(
        key=f"trial:{trial.kind}:{trial.user_id}",
        user_id=trial.user_id,
        kind="trial",
        account="trial",
        amount=amount,
        details={"description": "Trial credits", "trial": trial.kind, "partner_code": trial.partner_code},
    )
    return add_grant(session, grant, now)


def _tokens() -> ColumnElement[int]:
    used = usage_log.c
    tokens: ColumnElement[int] = (
        used.input_tokens
        + used.cache_read_tokens
        + used.cache_write_5m_tokens
        + used.cache_write_1h_tokens
        + used.audio_input_tokens
        + used.output_tokens
        + used.reasoning_tokens
        + used.audio_output_tokens
    )
    return tokens


def _usage(session: Session, user_id: int, since: datetime, day: datetime) -> TrialUsage:
    used = usage_log.c
    mine = (used.user_id == user_id) & (used.status < 400)
    spent = func.coalesce(func.sum(used.charged_nano), 0)
    requests, tokens, spent_all = session.execute(
        select(func.count(used.id), func.coalesce(func.sum(_tokens()), 0), spent).where(
            mine, used.id >= first_id(since)
        )
    ).one()
    today = session.execute(select(spent).where(mine, used.id >= first_id(day))).scalar_one()
    return TrialUsage(requests=requests, tokens=int(tokens), spent=int(spent_all), spent_today=int(today))


def _account(row: Any) -> TrialAccount:
    user: UserRow = row.UserRow
    key: ApiKeyRow | None = row.ApiKeyRow
    fields = row._mapping
    assert user.id is not None  # noqa: S101  (it was read)
    return TrialAccount(
        user_id=user.id,
        email=user.email,
        created_at=user.created_at,
        trial_ends_at=user.trial_ends_at,
        trial=None if fields[trials.c.user_id] is None else _joined_trial(fields),
        key_id=None if key is None else key.id,
        key_last_four=None if key is None else key.last_four,
        environment_tag=None if key is None else key.environment_tag,
        requests=fields["requests"],
        tokens=int(fields["tokens"]),
        spent=int(fields["spent"]),
        last_request_at=None if fields["last_usage_id"] is None else moment_of(fields["last_usage_id"]),
    )


def _joined_trial(fields: Any) -> Trial:
    return Trial(**{name: fields[trials.c[_COLUMN_OF.get(name, name)]] for name in Trial.__struct_fields__})
