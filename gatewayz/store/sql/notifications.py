"""Notifications on SQL."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, case, delete, exists, func, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from gatewayz.store.moment_id import EPOCH, first_id
from gatewayz.store.notification_records import LONGEST_REMINDER_DAYS, DueNotice, PreferenceChanges, Preferences
from gatewayz.store.profile_records import NOWHERE
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.ledger import ledger_wallets
from gatewayz.store.sql.tables.notifications import notification_preferences, notifications_sent
from gatewayz.store.sql.tables.payments import payments
from gatewayz.store.sql.tables.promotions import trials
from gatewayz.store.sql.tables.sign_ups import ProfileRow
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.sql.types import UTCDateTime

__all__ = ["SqlNotificationStore"]

DAY: Final = timedelta(days=1)
_P: Final = notification_preferences.c
_SENT: Final = notifications_sent.c
_DEFAULTS: Final = Preferences(user_id=0, created_at=EPOCH, updated_at=EPOCH)


class SqlNotificationStore:
    """`gatewayz.store.notification_records.NotificationStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def preferences(self, user_id: int, now: datetime) -> Preferences:
        """Return a user's choices; the defaults are written down at the first look."""
        found = await self._database.read(lambda session: _find(session, user_id))
        return found or await self.change_preferences(user_id, PreferenceChanges(), now)

    async def change_preferences(self, user_id: int, changes: PreferenceChanges, now: datetime) -> Preferences:
        """Change some; return all."""
        fresh = msgspec.structs.asdict(Preferences(user_id=user_id, created_at=now, updated_at=now))
        given = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not msgspec.UNSET}
        first = self._insert(notification_preferences).values(fresh).on_conflict_do_nothing()
        change = update(notification_preferences).where(_P.user_id == user_id).values(**given, updated_at=now)

        def work(session: Session) -> Preferences:
            session.execute(first)
            if given:
                session.execute(change)
            row = session.execute(select(notification_preferences).where(_P.user_id == user_id)).mappings().one()
            return Preferences(**row)

        return await self._database.write(work)

    async def list_due(self, now: datetime, limit: int) -> Sequence[DueNotice]:
        """Return who is to be told what and has not been."""

        def work(session: Session) -> list[DueNotice]:
            return [
                DueNotice(user_id=row.id, kind=row.kind, covers=row.covers)
                for statement in _due(now)
                for row in session.execute(statement.limit(limit))
            ]

        return await self._database.read(work)

    async def claim(self, notice: DueNotice) -> bool:
        """Note that somebody is told; False when that was noted before."""
        statement = self._insert(notifications_sent).values(msgspec.structs.asdict(notice))
        statement = statement.on_conflict_do_update(
            index_elements=["user_id", "kind"],
            set_={"covers": statement.excluded.covers},
            where=_SENT.covers < statement.excluded.covers,
        ).returning(_SENT.user_id)
        return await self._database.write(lambda session: session.execute(statement).first() is not None)

    async def give_back(self, notice: DueNotice) -> None:
        """Take the note back: nobody was told."""
        its_row = (_SENT.user_id == notice.user_id, _SENT.kind == notice.kind, _SENT.covers == notice.covers)
        await self._database.write(lambda session: session.execute(delete(notifications_sent).where(*its_row)))


def _find(session: Session, user_id: int) -> Preferences | None:
    row = session.execute(select(notification_preferences).where(_P.user_id == user_id)).mappings().first()
    return None if row is None else Preferences(**row)


def _due(now: datetime) -> Iterator[Select[Any]]:
    wallet = ledger_wallets.c
    spendable = wallet.trial + wallet.allowance + wallet.purchased
    is_low = (spendable > 0) & (spendable <= _chosen("low_balance_threshold"))
    for kind, condition in (("low_balance", is_low), ("credits_depleted", spendable <= 0)):
        # Who spends nothing needs no warning.
        spent = exists().where(
            usage_log.c.user_id == wallet.user_id,
            usage_log.c.id >= first_id(now - DAY),
            usage_log.c.charged_nano > 0,
        )
        statement = _people(kind, literal(now + DAY, UTCDateTime())).join(
            ledger_wallets, wallet.user_id == col(UserRow.id)
        )
        yield statement.where(_chosen("usage_alerts"), condition, spent, ~_told(kind, literal(now, UTCDateTime())))
    yield _happened("welcome", col(UserRow.created_at), now).where(exists().where(_has_profile()))
    paid_at = select(func.max(payments.c.completed_at)).where(payments.c.user_id == col(UserRow.id))
    paid_at = paid_at.where(payments.c.completed_at.is_not(None), payments.c.completed_at > now - DAY)
    yield _happened("credit_added", paid_at.scalar_subquery(), now)
    trial = col(UserRow.trial_ends_at)
    is_unpaid = ~exists().where(trials.c.user_id == col(UserRow.id), trials.c.converted_at.is_not(None))
    yield _ending("trial_expiring", trial, "trial_expiry_reminder_days", now).where(is_unpaid)
    yield _ending("plan_expiring", col(UserRow.plan_ends_at), "plan_expiry_reminder_days", now)


def _happened(kind: str, at: Any, now: datetime) -> Select[Any]:
    """Those to whom something happened within a day: what is older is no news after a long stop."""
    return _people(kind, at).where(at > now - DAY, ~_told(kind, at))


def _has_profile() -> ColumnElement[bool]:
    """Those who signed up themselves; accounts made by an operator have no profile."""
    return col(ProfileRow.user_id) == col(UserRow.id)


def _ending(kind: str, ends_at: Any, reminder: str, now: datetime) -> Select[Any]:
    """Those for whom something ends within the days they chose."""
    latest = {days: literal(now + days * DAY, UTCDateTime()) for days in range(1, LONGEST_REMINDER_DAYS + 1)}
    reach = case(latest, value=_chosen(reminder), else_=literal(now, UTCDateTime()))
    return _people(kind, ends_at).where(ends_at > now, ends_at <= reach, ~_told(kind, ends_at))


def _people(kind: str, covers: Any) -> Select[Any]:
    """Everybody with an account who has not declined mail."""
    wants_mail = or_(_P.email_notifications.is_(None), _P.email_notifications == true())
    return (
        select(col(UserRow.id).label("id"), literal(kind).label("kind"), covers.label("covers"))
        .outerjoin(notification_preferences, _P.user_id == col(UserRow.id))
        .where(col(UserRow.is_active) == true(), wants_mail, ~col(UserRow.email).endswith(NOWHERE, autoescape=True))
        .order_by(col(UserRow.id))
    )


def _chosen(name: str) -> ColumnElement[Any]:
    """Return what a person chose, the default for those who never looked."""
    column = notification_preferences.c[name]
    return func.coalesce(column, literal(getattr(_DEFAULTS, name), column.type))


def _told(kind: str, moment: Any) -> ColumnElement[bool]:
    return exists().where(_SENT.user_id == col(UserRow.id), _SENT.kind == kind, _SENT.covers >= moment)
