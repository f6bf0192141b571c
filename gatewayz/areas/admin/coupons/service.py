"""Coupons as administrators make and see them. Source: spec 07 §10 (cases 24.10.1 to 24.10.3)."""

from datetime import datetime
from typing import Any

from gatewayz.areas.admin.coupons.schema import CouponBody
from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.sdk.money import nano_from_usd, usd_float
from gatewayz.store.coupon_records import Coupon, CouponTotals, NewCoupon

__all__ = ["new_coupon", "show_analytics", "show_coupon", "show_overview"]


def new_coupon(body: CouponBody, created_by: str, now: datetime) -> NewCoupon:
    """Return the coupon that is asked for. Raises SchemaInvalid for an amount that is none."""
    try:
        value = nano_from_usd(body.value_usd)
    except ValueError as err:
        raise SchemaInvalid(f"value_usd: {err}.", param="value_usd") from err
    return NewCoupon(
        code=body.code.upper(),
        value=value,
        scope=body.coupon_scope,
        type=body.coupon_type,
        max_uses=body.max_uses,
        valid_from=body.valid_from or now,
        valid_until=body.valid_until,
        assigned_to_user_id=body.assigned_to_user_id,
        created_by=created_by,
        description=body.description,
    )


def show_coupon(coupon: Coupon) -> dict[str, Any]:
    """Return a coupon."""
    return {
        "id": coupon.id,
        "code": coupon.code,
        "value_usd": usd_float(coupon.value),
        "coupon_scope": coupon.scope,
        "coupon_type": coupon.type,
        "max_uses": coupon.max_uses,
        "times_used": coupon.times_used,
        "valid_from": coupon.valid_from.isoformat(),
        "valid_until": coupon.valid_until.isoformat(),
        "is_active": coupon.is_active,
        "created_at": coupon.created_at.isoformat(),
        "assigned_to_user_id": coupon.assigned_to_user_id,
        "created_by": coupon.created_by,
        "created_by_type": "admin",
        "description": coupon.description,
    }


def show_analytics(coupon: Coupon, totals: CouponTotals, is_expired: bool) -> dict[str, Any]:
    """Return what came of a coupon (24.10.2); the rate is the share of its uses, from 0 to 1."""
    return {
        "coupon": show_coupon(coupon),
        "total_redemptions": totals.redemptions,
        "unique_users": totals.users,
        "total_value_distributed": usd_float(totals.value),
        "redemption_rate": round(totals.redemptions / coupon.max_uses, 4),
        "remaining_uses": coupon.remaining_uses,
        "is_expired": is_expired,
    }


def show_overview(totals: CouponTotals) -> dict[str, Any]:
    """Return figures over all coupons (24.10.3); active are those that can be redeemed now."""
    average = totals.value / totals.redemptions if totals.redemptions else 0
    return {
        "total_coupons": totals.coupons,
        "active_coupons": totals.active,
        "user_specific_coupons": totals.user_specific,
        "global_coupons": totals.is_global,
        "total_redemptions": totals.redemptions,
        "unique_redeemers": totals.users,
        "total_value_distributed": usd_float(totals.value),
        "average_redemption_value": usd_float(round(average)),
    }
