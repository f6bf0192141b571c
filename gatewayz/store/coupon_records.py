"""Coupons as the store keeps them; amounts in nano-dollars."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.store.grant_records import Grant

__all__ = [
    "Coupon",
    "CouponChanges",
    "CouponFilter",
    "CouponScope",
    "CouponTotals",
    "CouponType",
    "NewCoupon",
    "Redemption",
]

CouponScope = Literal["global", "user_specific"]
CouponType = Literal["promotional", "referral", "compensation", "partnership"]


class NewCoupon(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon to be made; the code is in upper case."""

    code: str
    value: int
    scope: CouponScope
    type: CouponType = "promotional"
    max_uses: int
    valid_from: datetime
    valid_until: datetime
    assigned_to_user_id: int | None = None
    created_by: str
    description: str | None = None


class Coupon(NewCoupon, frozen=True, kw_only=True):
    """A coupon."""

    id: int
    times_used: int
    is_active: bool
    created_at: datetime

    @property
    def remaining_uses(self) -> int:
        """How often it can be redeemed still."""
        return self.max_uses - self.times_used


class CouponChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a coupon; what is UNSET stays."""

    valid_until: datetime | UnsetType = UNSET
    max_uses: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


class CouponFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which coupons are asked for; None is all."""

    scope: CouponScope | None = None
    type: CouponType | None = None
    is_active: bool | None = None


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon that a user redeemed."""

    id: int
    coupon: Coupon
    grant: Grant
    """Its value, on its way to the ledger or there."""
    redeemed_at: datetime


class CouponTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over coupons and their redemptions."""

    coupons: int = 0
    active: int = 0
    """Those that can be redeemed now."""
    user_specific: int = 0
    is_global: int = 0
    redemptions: int = 0
    users: int = 0
    value: int = 0
