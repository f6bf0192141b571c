"""`/referral`. Source: spec 03 §7 (cases 8.6.1 to 8.6.4)."""

from typing import Final

from quart import Response

from gatewayz.areas.referrals.schema import ValidateBody
from gatewayz.areas.referrals.service import show_code, show_stats, show_valid
from gatewayz.domain.referrals.referrals import ReferralRefused
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def find_code(call: Call) -> Response:
    """The caller's code, made when there is none."""
    code = await call.services.promotions.referrals.code_of(call.user_id)
    return json_response(show_code(code, call.edition.settings.referrals))


async def generate_code(call: Call) -> Response:
    """The caller's code; one that exists is kept."""
    code = await call.services.promotions.referrals.code_of(call.user_id)
    return json_response({"referral_code": code.code, "message": "This is your referral code; it stays the same."})


async def show_referral_stats(call: Call) -> Response:
    """What the caller's code has brought."""
    stats = await call.services.promotions.referrals.stats(call.user_id)
    balance = await call.services.ledger.spendable(call.user_id)
    return json_response(show_stats(stats, call.edition.settings.referrals, balance))


async def validate_code(call: Call) -> Response:
    """Whether the caller could use a code; 200 either way."""
    body = await read_json(ValidateBody)
    user = await call.services.store.users.find_user(call.user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
    try:
        owner = await call.services.promotions.referrals.check(
            user, body.referral_code, call.edition.settings.referrals
        )
    except ReferralRefused as refusal:
        return json_response({"valid": False, "message": refusal.message, "referrer_username": None})
    return json_response(show_valid(owner))


ROUTES: Final = (
    Route(method="GET", path="/referral/code", handler=find_code, guard="user"),
    Route(method="POST", path="/referral/generate", handler=generate_code, guard="user"),
    Route(method="GET", path="/referral/stats", handler=show_referral_stats, guard="user"),
    Route(method="POST", path="/referral/validate", handler=validate_code, guard="user", body=ValidateBody),
)
