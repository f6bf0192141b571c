"""`/partner-trials`. Source: spec 08 §4 (cases 22.1 to 22.5)."""

from typing import Final

from quart import Response

from gatewayz.areas.partner_trials.schema import StartBody
from gatewayz.areas.partner_trials.service import (
    show_analytics,
    show_check,
    show_config,
    show_daily_limit,
    show_started,
    show_status,
)
from gatewayz.domain.partners.partners import Partner, find_partner
from gatewayz.domain.trials.trials import TrialState
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def find_config(call: Call, code: str) -> Response:
    """What a partner gives."""
    return json_response(show_config(_partner(call, code)))


async def check_code(call: Call, code: str) -> Response:
    """Whether a code is a partner's; 200 either way."""
    try:
        partner = _partner(call, code)
    except ResourceNotFound:
        return json_response(show_check(code, None))
    return json_response(show_check(code, partner))


async def show_partner_status(call: Call) -> Response:
    """The caller's partner trial as of now."""
    trial = await call.services.promotions.partners.find(call.user_id)
    return json_response(show_status(await _state(call), trial))


async def show_limit(call: Call) -> Response:
    """What the caller may spend a day."""
    return json_response(show_daily_limit(call.user_id, await _state(call)))


async def start(call: Call) -> Response:
    """Start a partner's trial for the caller."""
    body = await read_json(StartBody)
    partner = _partner(call, body.partner_code)
    promotions, user_id = call.services.promotions, call.user_id
    rules = call.edition.settings.plans.trial
    trial = await promotions.partners.start(user_id, partner, rules, source=body.signup_source)
    promotions.trial_gate.forget(user_id)
    await call.services.authenticator.catch_up()
    return json_response(show_started(partner, trial))


async def show_partner_analytics(call: Call, code: str) -> Response:
    """What a partner's trials came to."""
    partner = _partner(call, code)
    accounts = await call.services.promotions.partners.accounts(partner)
    return json_response(show_analytics(partner, accounts, call.services.clock.now()))


async def expire(call: Call, user_id: int) -> Response:
    """End a user's partner trial now."""
    trial = await call.services.promotions.partners.expire(user_id)
    await call.services.authenticator.catch_up()
    return json_response(
        {
            "success": True,
            "message": "The partner trial has ended.",
            "user_id": user_id,
            "partner_code": trial.partner_code,
            "trial_expires_at": trial.ends_at.isoformat(),
        }
    )


def _partner(call: Call, code: str) -> Partner:
    return find_partner(call.edition.settings.partners, code)


async def _state(call: Call) -> TrialState:
    user = await call.services.store.users.find_user(call.user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
    return await call.services.promotions.trials.state(user, call.edition.settings.plans.trial)


_EXPIRE: Final = "/partner-trials/expire/<int(max=9007199254740991):user_id>"

ROUTES: Final = (
    Route(method="GET", path="/partner-trials/config/<code>", handler=find_config, guard="public"),
    Route(method="GET", path="/partner-trials/check/<code>", handler=check_code, guard="public"),
    Route(method="GET", path="/partner-trials/status", handler=show_partner_status, guard="user"),
    Route(method="GET", path="/partner-trials/daily-limit", handler=show_limit, guard="user"),
    Route(method="POST", path="/partner-trials/start", handler=start, guard="user", body=StartBody),
    Route(method="GET", path="/partner-trials/analytics/<code>", handler=show_partner_analytics, guard="admin"),
    Route(method="POST", path=_EXPIRE, handler=expire, guard="admin"),
)
