"""Coupons and their redemptions.

A redemption is one transaction: the coupon's count is raised where it is below its bound, the
unique row of (coupon, user) is written, the value is promised. Nothing of it happens twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.coupon_records import Coupon, CouponChanges, CouponFilter, CouponTotals, NewCoupon, Redemption
from gatewayz.store.grant_records import NewGrant
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.grants import add_grant, grant_of
from gatewayz.store.sql.tables.promotions import coupon_redemptions, coupons, grants

__all__ = ["SqlCouponStore"]

_COLUMN_OF = {"value": "value_nano"}


class SqlCouponStore:
    """Coupons on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, coupon: NewCoupon, now: datetime) -> Coupon:
        """Make a coupon. Raises InvalidRequest (400) when the code is taken or the assignee does not exist."""
        values = {_COLUMN_OF.get(name, name): value for name, value in msgspec.structs.asdict(coupon).items()}
        statement = insert(coupons).values(**values, times_used=0, is_active=True, created_at=now).returning(coupons)

        def work(session: Session) -> Coupon:
            try:
                return _coupon(session.execute(statement).mappings().one())
            except IntegrityError as err:
                if is_duplicate(err):
                    raise InvalidRequest(
                        f"There is a coupon {coupon.code} already.", code="COUPON_CODE_TAKEN", param="code"
                    ) from err
                if coupon.assigned_to_user_id is None:
                    raise
                raise InvalidRequest(
                    "There is no user of that id.", code="USER_NOT_FOUND", param="assigned_to_user_id"
                ) from err

        return await self._database.write(work)

    async def find(self, coupon_id: int) -> Coupon | None:
        """Return a coupon."""
        return await self._one(coupons.c.id == coupon_id)

    async def find_by_code(self, code: str) -> Coupon | None:
        """Return the coupon of a code in upper case."""
        return await self._one(coupons.c.code == code)

    async def change(self, coupon_id: int, changes: CouponChanges) -> Coupon | None:
        """Change a coupon, None when there is none. Raises InvalidRequest for a bound below what was used."""
        values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        if not values:
            return await self.find(coupon_id)
        statement = update(coupons).where(coupons.c.id == coupon_id).values(**values).returning(coupons)

        def work(session: Session) -> Coupon | None:
            try:
                row = session.execute(statement).mappings().one_or_none()
            except IntegrityError as err:
                raise InvalidRequest(
                    "max_uses is below the number of redemptions.", code="PARAMETER_OUT_OF_RANGE", param="max_uses"
                ) from err
            return None if row is None else _coupon(row)

        return await self._database.write(work)

    async def list_coupons(self, filter: CouponFilter, *, offset: int, limit: int) -> tuple[Sequence[Coupon], int]:
        """Return coupons, newest first, and how many there are in all."""
        wanted = _matching(filter)
        page = select(coupons).where(*wanted).order_by(coupons.c.id.desc()).offset(offset).limit(limit)
        count = select(func.count()).select_from(coupons).where(*wanted)

        def work(session: Session) -> tuple[list[Coupon], int]:
            return [_coupon(row) for row in session.execute(page).mappings()], session.execute(count).scalar_one()

        return await self._database.read(work)

    async def list_available(self, user_id: int, now: datetime, limit: int) -> Sequence[Coupon]:
        """Return what a user can redeem now."""
        done = select(coupon_redemptions.c.coupon_id).where(coupon_redemptions.c.user_id == user_id)
        statement = (
            select(coupons)
            .where(
                _redeemable(now),
                or_(coupons.c.scope == "global", coupons.c.assigned_to_user_id == user_id),
                coupons.c.id.not_in(done),
            )
            .order_by(coupons.c.id.desc())
            .limit(limit)
        )

        def work(session: Session) -> list[Coupon]:
            return [_coupon(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)

    async def redeem(self, coupon: Coupon, user_id: int, now: datetime) -> Redemption | None:
        """Redeem a coupon for a user, once; None when it cannot be redeemed any more, or was by this user."""
        raised = (
            update(coupons)
            .where(coupons.c.id == coupon.id, _redeemable(now))
            .values(times_used=coupons.c.times_used + 1)
            .returning(coupons.c.id)
        )
        grant = NewGrant(
            key=f"coupon:{coupon.id}:{user_id}",
            user_id=user_id,
            kind="bonus",
            account="purchased",
            amount=coupon.value,
            details={"description": f"Coupon {coupon.code}", "coupon_id": coupon.id, "coupon_code": coupon.code},
        )

        def work(session: Session) -> Redemption | None:
            if session.execute(raised).one_or_none() is None:
                return None
            promised = add_grant(session, grant, now)
            values = {"coupon_id": coupon.id, "user_id": user_id, "grant_id": promised.id, "redeemed_at": now}
            row_id = session.execute(insert(coupon_redemptions).values(**values).returning(coupon_redemptions.c.id))
            return Redemption(id=row_id.scalar_one(), coupon=coupon, grant=promised, redeemed_at=now)

        try:
            return await self._database.write(work)
        except IntegrityError as err:
            if not is_duplicate(err):
                raise
            return None

    async def find_redemption(self, coupon_id: int, user_id: int) -> Redemption | None:
        """Return a user's redemption of a coupon."""
        found = await self._redemptions(
            coupon_redemptions.c.coupon_id == coupon_id, coupon_redemptions.c.user_id == user_id, limit=1
        )
        return found[0] if found else None

    async def list_redemptions(self, user_id: int, limit: int) -> Sequence[Redemption]:
        """Return a user's redemptions, newest first."""
        return await self._redemptions(coupon_redemptions.c.user_id == user_id, limit=limit)

    async def totals(self, now: datetime, *, user_id: int | None = None, coupon_id: int | None = None) -> CouponTotals:
        """Return figures over everything, or over one user's or one coupon's redemptions."""
        wanted = [coupon_redemptions.c.user_id == user_id] if user_id is not None else []
        wanted += [coupon_redemptions.c.coupon_id == coupon_id] if coupon_id is not None else []
        redeemed = (
            select(
                func.count(),
                func.count(coupon_redemptions.c.user_id.distinct()),
                func.coalesce(func.sum(grants.c.amount_nano), 0),
            )
            .select_from(coupon_redemptions)
            .join(grants, grants.c.id == coupon_redemptions.c.grant_id)
            .where(*wanted)
        )
        made = select(
            func.count(),
            func.count().filter(_redeemable(now)),
            func.count().filter(coupons.c.scope == "user_specific"),
            func.count().filter(coupons.c.scope == "global"),
        ).select_from(coupons)

        def work(session: Session) -> CouponTotals:
            redemptions, users, value = session.execute(redeemed).one()
            total, active, user_specific, is_global = session.execute(made).one()
            return CouponTotals(
                coupons=total,
                active=active,
                user_specific=user_specific,
                is_global=is_global,
                redemptions=redemptions,
                users=users,
                value=int(value),
            )

        return await self._database.read(work)

    async def _one(self, wanted: ColumnElement[bool]) -> Coupon | None:
        def work(session: Session) -> Coupon | None:
            row = session.execute(select(coupons).where(wanted)).mappings().one_or_none()
            return None if row is None else _coupon(row)

        return await self._database.read(work)

    async def _redemptions(self, *wanted: ColumnElement[bool], limit: int) -> list[Redemption]:
        done = coupon_redemptions.c
        statement = (
            select(coupon_redemptions, coupons, grants)
            .join(coupons, coupons.c.id == done.coupon_id)
            .join(grants, grants.c.id == done.grant_id)
            .where(*wanted)
            .order_by(done.id.desc())
            .limit(limit)
        )

        def work(session: Session) -> list[Redemption]:
            return [_redemption(row._mapping) for row in session.execute(statement)]

        return await self._database.read(work)


def _redeemable(now: datetime) -> ColumnElement[bool]:
    return and_(
        coupons.c.is_active,
        coupons.c.valid_from <= now,
        coupons.c.valid_until > now,
        coupons.c.times_used < coupons.c.max_uses,
    )


def _matching(filter: CouponFilter) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if filter.scope is not None:
        wanted.append(coupons.c.scope == filter.scope)
    if filter.type is not None:
        wanted.append(coupons.c.type == filter.type)
    if filter.is_active is not None:
        wanted.append(coupons.c.is_active == filter.is_active)
    return wanted


def _coupon(row: Any) -> Coupon:
    return Coupon(**{name: row[_COLUMN_OF.get(name, name)] for name in Coupon.__struct_fields__})


def _redemption(row: Any) -> Redemption:
    coupon = {name: row[coupons.c[_COLUMN_OF.get(name, name)]] for name in Coupon.__struct_fields__}
    return Redemption(
        id=row[coupon_redemptions.c.id],
        coupon=Coupon(**coupon),
        grant=grant_of({column.name: row[column] for column in grants.c}),
        redeemed_at=row[coupon_redemptions.c.redeemed_at],
    )
