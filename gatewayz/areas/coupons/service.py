"""Coupons as their users see them. Source: spec 04 §3 (cases 10.1 to 10.6)."""

from collections.abc import Sequence
from typing import Any

from gatewayz.domain.coupons.coupons import CouponRefused
from gatewayz.sdk.money import usd_float
from gatewayz.store.coupon_records import Coupon, CouponTotals, Redemption

__all__ = ["show_available", "show_history", "show_redeemed", "show_refused"]


def show_available(coupon: Coupon) -> dict[str, Any]:
    """Return a coupon that can be redeemed (10.1)."""
    return {
        "coupon_id": coupon.id,
        "code": coupon.code,
        "value_usd": usd_float(coupon.value),
        "coupon_scope": coupon.scope,
        "coupon_type": coupon.type,
        "description": coupon.description,
        "valid_until": coupon.valid_until.isoformat(),
        "remaining_uses": coupon.remaining_uses,
    }


def show_history(redemptions: Sequence[Redemption], totals: CouponTotals) -> dict[str, Any]:
    """Return what a user redeemed (10.2); balances are null until the credit is booked."""
    return {
        "redemptions": [
            {
                "id": redemption.id,
                "coupon_code": redemption.coupon.code,
                "coupon_scope": redemption.coupon.scope,
                "coupon_type": redemption.coupon.type,
                "value_applied": usd_float(redemption.grant.amount),
                "redeemed_at": redemption.redeemed_at.isoformat(),
                "user_balance_before": _usd(redemption.grant.before),
                "user_balance_after": _usd(redemption.grant.after),
            }
            for redemption in redemptions
        ],
        "total_redemptions": totals.redemptions,
        "total_value_redeemed": usd_float(totals.value),
    }


def show_redeemed(redemption: Redemption) -> dict[str, Any]:
    """Return a redemption that went well (10.3)."""
    value = usd_float(redemption.grant.amount)
    return {
        "success": True,
        "message": f"Coupon {redemption.coupon.code} is redeemed: ${value:.2f} were added to your credits.",
        "coupon_code": redemption.coupon.code,
        "coupon_value": value,
        "previous_balance": _usd(redemption.grant.before),
        "new_balance": _usd(redemption.grant.after),
        "error_code": None,
    }


def show_refused(refusal: CouponRefused, code: str, envelope: dict[str, Any]) -> dict[str, Any]:
    """Return a refused redemption: the shape of a good one, beside the error envelope (10.4 to 10.6)."""
    return {
        "success": False,
        "message": refusal.message,
        "coupon_code": code.strip().upper(),
        "coupon_value": None,
        "previous_balance": None,
        "new_balance": None,
        "error_code": refusal.code,
        "error": envelope,
    }


def _usd(amount: int | None) -> float | None:
    return None if amount is None else usd_float(amount)
