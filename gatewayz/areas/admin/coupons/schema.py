"""What the coupon routes of administrators take. Source: spec 07 §10."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.store.coupon_records import CouponScope, CouponType
from gatewayz.web.moments import check_moments

__all__ = ["CouponBody", "CouponEdits", "CouponsQuery"]

Code = Annotated[str, Meta(min_length=3, max_length=50, pattern=r"^[A-Za-z0-9_-]+$")]
Uses = Annotated[int, Meta(ge=1, le=2_147_483_647)]
Description = Annotated[str, Meta(max_length=500)]
Moment = Annotated[datetime, Meta(tz=True)]


class CouponBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/coupons`."""

    code: Code
    value_usd: Decimal
    coupon_scope: CouponScope
    max_uses: Uses
    valid_until: Moment
    """May be in the past."""
    coupon_type: CouponType = "promotional"
    assigned_to_user_id: Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)] | None = None
    description: Description | None = None
    valid_from: Moment | None = None
    """Now when absent."""

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class CouponEdits(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /admin/coupons/{id}`: what is left out stays."""

    valid_until: Moment | UnsetType = UNSET
    max_uses: Uses | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class CouponsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/coupons`."""

    scope: CouponScope | None = None
    coupon_type: CouponType | None = None
    is_active: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
