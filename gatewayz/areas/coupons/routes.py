"""`/coupons`. Source: spec 04 §3 (cases 10.1 to 10.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.coupons.schema import HistoryQuery, RedeemBody
from gatewayz.areas.coupons.service import show_available, show_history, show_redeemed, show_refused
from gatewayz.domain.coupons.coupons import CouponRefused
from gatewayz.web.bodies import read_json
from gatewayz.web.errors import envelope
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_available(call: Call) -> Response:
    """What the caller can redeem now."""
    found = await call.services.promotions.coupons.available(call.user_id)
    return json_response([show_available(coupon) for coupon in found])


async def list_history(call: Call) -> Response:
    """What the caller redeemed, newest first."""
    redemptions, totals = await call.services.promotions.coupons.history(call.user_id, read_query(HistoryQuery).limit)
    return json_response(show_history(redemptions, totals))


async def redeem(call: Call) -> Response:
    """Redeem a coupon; its value is in the caller's credits on return."""
    body = await read_json(RedeemBody)
    try:
        redemption = await call.services.promotions.coupons.redeem(call.user_id, body.code)
    except CouponRefused as refusal:
        shown = envelope(refusal, call.head.request_id, call.services.clock.now().isoformat())
        return json_response(show_refused(refusal, body.code, shown), refusal.status)
    return json_response(show_redeemed(redemption))


ROUTES: Final = (
    Route(method="GET", path="/coupons/available", handler=list_available, guard="user"),
    Route(method="GET", path="/coupons/history", handler=list_history, guard="user", query=HistoryQuery),
    Route(method="POST", path="/coupons/redeem", handler=redeem, guard="user", body=RedeemBody),
)
