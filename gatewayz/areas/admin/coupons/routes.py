"""`/admin/coupons`. Source: spec 07 §10 (cases 24.10.1 to 24.10.3)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.coupons.schema import CouponBody, CouponEdits, CouponsQuery
from gatewayz.areas.admin.coupons.service import new_coupon, show_analytics, show_coupon, show_overview
from gatewayz.store.coupon_records import CouponChanges, CouponFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def create_coupon(call: Call) -> Response:
    """Make a coupon."""
    body = await read_json(CouponBody)
    actor = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    coupons = call.services.promotions.coupons
    return json_response(show_coupon(await coupons.create(new_coupon(body, actor, coupons.now()))))


async def list_coupons(call: Call) -> Response:
    """Coupons, newest first."""
    query = read_query(CouponsQuery)
    wanted = CouponFilter(scope=query.scope, type=query.coupon_type, is_active=query.is_active)
    page, total = await call.services.promotions.coupons.list_coupons(wanted, offset=query.offset, limit=query.limit)
    return json_response(
        {
            "coupons": [show_coupon(coupon) for coupon in page],
            "total": total,
            "offset": query.offset,
            "limit": query.limit,
        }
    )


async def find_coupon(call: Call, coupon_id: int) -> Response:
    """One coupon."""
    return json_response(show_coupon(await call.services.promotions.coupons.find(coupon_id)))


async def change_coupon(call: Call, coupon_id: int) -> Response:
    """Change a coupon's end, bound, state or description."""
    edits = await read_json(CouponEdits)
    changes = CouponChanges(
        valid_until=edits.valid_until,
        max_uses=edits.max_uses,
        is_active=edits.is_active,
        description=edits.description,
    )
    return json_response(show_coupon(await call.services.promotions.coupons.change(coupon_id, changes)))


async def deactivate_coupon(call: Call, coupon_id: int) -> Response:
    """Put a coupon out of force; its history stays."""
    coupon = await call.services.promotions.coupons.change(coupon_id, CouponChanges(is_active=False))
    return json_response(
        {"success": True, "message": f"Coupon {coupon.code} is not active any more.", "coupon": show_coupon(coupon)}
    )


async def show_coupon_analytics(call: Call, coupon_id: int) -> Response:
    """What came of a coupon."""
    coupons = call.services.promotions.coupons
    coupon = await coupons.find(coupon_id)
    totals = await coupons.totals(coupon_id=coupon_id)
    return json_response(show_analytics(coupon, totals, coupons.is_expired(coupon)))


async def show_coupon_overview(call: Call) -> Response:
    """Figures over all coupons."""
    return json_response(show_overview(await call.services.promotions.coupons.totals()))


_COUPON: Final = "/admin/coupons/<int(max=9007199254740991):coupon_id>"

ROUTES: Final = (
    Route(method="POST", path="/admin/coupons", handler=create_coupon, guard="admin", body=CouponBody),
    Route(method="GET", path="/admin/coupons", handler=list_coupons, guard="admin", query=CouponsQuery),
    Route(method="GET", path="/admin/coupons/stats/overview", handler=show_coupon_overview, guard="admin"),
    Route(method="GET", path=_COUPON, handler=find_coupon, guard="admin"),
    Route(method="PATCH", path=_COUPON, handler=change_coupon, guard="admin", body=CouponEdits),
    Route(method="DELETE", path=_COUPON, handler=deactivate_coupon, guard="admin"),
    Route(method="GET", path=f"{_COUPON}/analytics", handler=show_coupon_analytics, guard="admin"),
)
