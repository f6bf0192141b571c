"""Codes and who signed up by them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.store.grant_records import Grant, NewGrant
from gatewayz.store.referral_records import Referral, ReferralCode, ReferralTotals
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.grants import add_grant
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.ledger import ledger_entries
from gatewayz.store.sql.tables.promotions import referral_codes, referrals

__all__ = ["SqlReferralStore"]


class SqlReferralStore:
    """Referrals on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_code(self, user_id: int, code: str, now: datetime) -> ReferralCode | None:
        """Give a user a code, or return the one there is; None when the code is somebody else's."""
        values = {"user_id": user_id, "code": code, "times_used": 0, "created_at": now}

        def work(session: Session) -> None:
            if session.get(UserRow, user_id) is None:
                raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
            session.execute(insert(referral_codes).values(**values))

        try:
            await self._database.write(work)
        except IntegrityError as err:
            if not is_duplicate(err):
                raise
        return await self.find_code(user_id)

    async def find_code(self, user_id: int) -> ReferralCode | None:
        """Return a user's code."""
        return await self._one(referral_codes.c.user_id == user_id)

    async def find_owner(self, code: str) -> ReferralCode | None:
        """Return whose a code in upper case is."""
        return await self._one(referral_codes.c.code == code)

    async def has_purchased(self, user_id: int) -> bool:
        """Return whether a user has ever paid."""
        entries = ledger_entries.c
        statement = select(exists().where(entries.user_id == user_id, entries.kind == "purchase"))

        def work(session: Session) -> bool:
            return bool(session.execute(statement).scalar_one())

        return await self._database.read(work)

    async def register(self, code: ReferralCode, user_id: int, *, max_uses: int, now: datetime) -> bool:
        """Note that a user came by a code; False when the code is used up or the user came by one already."""
        raised = (
            update(referral_codes)
            .where(referral_codes.c.user_id == code.user_id, referral_codes.c.times_used < max_uses)
            .values(times_used=referral_codes.c.times_used + 1)
            .returning(referral_codes.c.user_id)
        )
        values = {
            "referrer_id": code.user_id,
            "referred_id": user_id,
            "code": code.code,
            "status": "pending",
            "bonus_nano": 0,
            "created_at": now,
        }

        def work(session: Session) -> bool:
            if session.execute(raised).one_or_none() is None:
                return False
            session.execute(insert(referrals).values(**values))
            return True

        try:
            return await self._database.write(work)
        except IntegrityError as err:
            if not is_duplicate(err):
                raise
            return False

    async def complete(self, referred_id: int, bonus: int, now: datetime) -> Sequence[Grant]:
        """Close the pending referral of a user at the first purchase; promise the bonus to both sides.

        :param bonus: 0 when the purchase earns none. Returns nothing when there is nothing pending.
        """
        closed = (
            update(referrals)
            .where(referrals.c.referred_id == referred_id, referrals.c.status == "pending")
            .values(status="completed" if bonus else "lapsed", bonus_nano=bonus, completed_at=now)
            .returning(referrals.c.id, referrals.c.referrer_id)
        )

        def work(session: Session) -> list[Grant]:
            row = session.execute(closed).one_or_none()
            if row is None or bonus == 0:
                return []
            sides = (("referrer", row.referrer_id), ("referred", referred_id))
            return [add_grant(session, _bonus(row.id, side, user_id, bonus), now) for side, user_id in sides]

        return await self._database.write(work)

    async def find_referral(self, referred_id: int) -> Referral | None:
        """Return how a user came."""
        found = await self._list(referrals.c.referred_id == referred_id, limit=1)
        return found[0] if found else None

    async def list_referrals(self, referrer_id: int, limit: int) -> Sequence[Referral]:
        """Return who came by a user's code, newest first."""
        return await self._list(referrals.c.referrer_id == referrer_id, limit=limit)

    async def totals(self, referrer_id: int) -> ReferralTotals:
        """Return the figures over a user's referrals."""
        statement = select(
            func.count(),
            func.count().filter(referrals.c.status == "completed"),
            func.count().filter(referrals.c.status == "pending"),
            func.coalesce(func.sum(referrals.c.bonus_nano), 0),
        ).where(referrals.c.referrer_id == referrer_id)

        def work(session: Session) -> ReferralTotals:
            total, completed, pending, earned = session.execute(statement).one()
            return ReferralTotals(total=total, completed=completed, pending=pending, earned=int(earned))

        return await self._database.read(work)

    async def _one(self, wanted: ColumnElement[bool]) -> ReferralCode | None:
        statement = (
            select(referral_codes, col(UserRow.email).label("email"))
            .join(UserRow, col(UserRow.id) == referral_codes.c.user_id)
            .where(wanted)
        )

        def work(session: Session) -> ReferralCode | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else ReferralCode(**{n: row[n] for n in ReferralCode.__struct_fields__})

        return await self._database.read(work)

    async def _list(self, wanted: ColumnElement[bool], *, limit: int) -> list[Referral]:
        statement = (
            select(referrals, col(UserRow.email).label("referred_email"))
            .join(UserRow, col(UserRow.id) == referrals.c.referred_id)
            .where(wanted)
            .order_by(referrals.c.id.desc())
            .limit(limit)
        )

        def work(session: Session) -> list[Referral]:
            return [_referral(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)


def _bonus(referral_id: int, side: str, user_id: int, amount: int) -> NewGrant:
    return NewGrant(
        key=f"referral:{referral_id}:{side}",
        user_id=user_id,
        kind="bonus",
        account="purchased",
        amount=amount,
        details={"description": "Referral bonus", "referral_id": referral_id, "side": side},
    )


def _referral(row: Any) -> Referral:
    return Referral(
        **{name: row["bonus_nano" if name == "bonus" else name] for name in Referral.__struct_fields__},
    )
