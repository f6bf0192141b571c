"""The rules of coupons. Source: spec 04 §3, 07 §10."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from gatewayz.domain.grants.grants import Grants
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound, SchemaInvalid
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.coupon_records import Coupon, CouponChanges, CouponFilter, CouponTotals, NewCoupon, Redemption

if TYPE_CHECKING:
    from gatewayz.store.sql.coupons import SqlCouponStore

__all__ = ["MAX_VALUE", "CouponRefused", "Coupons"]

MAX_VALUE: Final = 1000 * NANO_PER_USD
_CODE: Final = re.compile(r"[A-Z0-9_-]{3,50}")
_SHOWN: Final = 500
"""Available coupons that are listed at most."""


class CouponRefused(InvalidRequest):
    """The coupon cannot be redeemed by this user now; `code` says why."""


class Coupons:
    """The service."""

    def __init__(self, store: "SqlCouponStore", grants: Grants, clock: Clock) -> None:
        self._store = store
        self._grants = grants
        self._clock = clock

    async def create(self, coupon: NewCoupon) -> Coupon:
        """Make a coupon.

        Raises SchemaInvalid for a code, value or scope against the rules; InvalidRequest for a taken
        code or an assignee that does not exist.
        """
        _check(coupon)
        return await self._store.add(coupon, self._clock.now())

    async def change(self, coupon_id: int, changes: CouponChanges) -> Coupon:
        """Change a coupon. Raises ResourceNotFound, InvalidRequest."""
        before = await self.find(coupon_id)
        if before.scope == "user_specific" and isinstance(changes.max_uses, int) and changes.max_uses != 1:
            raise SchemaInvalid("A coupon for one user has max_uses 1.", param="max_uses")
        changed = await self._store.change(coupon_id, changes)
        if changed is None:
            raise _missing()
        return changed

    async def find(self, coupon_id: int) -> Coupon:
        """Return a coupon. Raises ResourceNotFound."""
        found = await self._store.find(coupon_id)
        if found is None:
            raise _missing()
        return found

    async def list_coupons(self, filter: CouponFilter, *, offset: int, limit: int) -> tuple[Sequence[Coupon], int]:
        """Return a page of coupons, newest first, and how many there are."""
        return await self._store.list_coupons(filter, offset=offset, limit=limit)

    async def available(self, user_id: int) -> Sequence[Coupon]:
        """Return what a user can redeem now."""
        return await self._store.list_available(user_id, self._clock.now(), _SHOWN)

    async def history(self, user_id: int, limit: int) -> tuple[Sequence[Redemption], CouponTotals]:
        """Return a user's redemptions, newest first, and the figures over all of them."""
        redemptions = await self._store.list_redemptions(user_id, limit)
        return redemptions, await self._store.totals(self._clock.now(), user_id=user_id)

    async def totals(self, *, coupon_id: int | None = None) -> CouponTotals:
        """Return figures over all coupons, or the redemptions of one."""
        return await self._store.totals(self._clock.now(), coupon_id=coupon_id)

    async def redeem(self, user_id: int, code: str) -> Redemption:
        """Redeem a coupon; its value is in the ledger on return.

        Raises CouponRefused with the code of the reason; StoreUnavailable. Parallel redemptions by
        one user, or of the last use by many, succeed once.
        """
        coupon = await self._store.find_by_code(code.strip().upper())
        now = self._clock.now()
        if coupon is None:
            raise CouponRefused("There is no such coupon.", code="COUPON_NOT_FOUND", param="code")
        redemption = None
        if _reason(coupon, user_id, now) is None:
            redemption = await self._store.redeem(coupon, user_id, now)
        if redemption is None:
            raise await self._refusal(coupon, user_id, now)
        return Redemption(
            id=redemption.id,
            coupon=coupon,
            grant=await self._grants.book(redemption.grant),
            redeemed_at=redemption.redeemed_at,
        )

    async def _refusal(self, coupon: Coupon, user_id: int, now: datetime) -> CouponRefused:
        """Return why a coupon was not redeemed, as it is after the attempt."""
        done = await self._store.find_redemption(coupon.id, user_id)
        if done is not None:
            return CouponRefused("You have redeemed this coupon already.", code="ALREADY_REDEEMED", param="code")
        after = await self._store.find(coupon.id) or coupon
        return _reason(after, user_id, now) or CouponRefused(
            "The coupon could not be redeemed; try again.", code="SYSTEM_ERROR", param="code"
        )

    def is_expired(self, coupon: Coupon) -> bool:
        """Return whether a coupon's time is over."""
        return self._clock.now() >= coupon.valid_until

    def now(self) -> datetime:
        """Return the moment a new coupon is valid from."""
        return self._clock.now()


def _reason(coupon: Coupon, user_id: int, now: datetime) -> CouponRefused | None:
    if coupon.scope == "user_specific" and coupon.assigned_to_user_id != user_id:
        return CouponRefused("This coupon was given to somebody else.", code="COUPON_NOT_ASSIGNED", param="code")
    if not coupon.is_active:
        return CouponRefused("This coupon is not active.", code="COUPON_INACTIVE", param="code")
    if now < coupon.valid_from:
        return CouponRefused(
            f"This coupon is valid from {coupon.valid_from.isoformat()}.", code="COUPON_NOT_YET_ACTIVE", param="code"
        )
    if now >= coupon.valid_until:
        return CouponRefused("This coupon has expired.", code="COUPON_EXPIRED", param="code")
    if coupon.remaining_uses <= 0:
        return CouponRefused("This coupon has been used up.", code="MAX_USES_EXCEEDED", param="code")
    return None


def _check(coupon: NewCoupon) -> None:
    if _CODE.fullmatch(coupon.code) is None:
        raise SchemaInvalid("A code has 3 to 50 letters, digits, '-' or '_'.", param="code")
    if not 0 < coupon.value <= MAX_VALUE:
        raise SchemaInvalid("value_usd is above 0 and at most 1000.", param="value_usd")
    if coupon.scope == "global" and coupon.assigned_to_user_id is not None:
        raise SchemaInvalid("A global coupon is assigned to nobody.", param="assigned_to_user_id")
    if coupon.scope == "user_specific" and coupon.assigned_to_user_id is None:
        raise SchemaInvalid("A coupon for one user needs assigned_to_user_id.", param="assigned_to_user_id")
    if coupon.scope == "user_specific" and coupon.max_uses != 1:
        raise SchemaInvalid("A coupon for one user has max_uses 1.", param="max_uses")


def _missing() -> ResourceNotFound:
    return ResourceNotFound("There is no such coupon.", code="COUPON_NOT_FOUND", param="coupon_id")
