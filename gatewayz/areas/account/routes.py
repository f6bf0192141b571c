"""`/user/...`. Source: spec 03 §2, §3 (cases 8.1.*, 8.2.*)."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from quart import Response

from gatewayz.areas.account import activity, limits, money, profile
from gatewayz.domain.identity.holders import CACHE_CHOICE
from gatewayz.store.profile_records import ProfileChanges
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]

_NOTICE: Final = (
    "Answers are kept for a short while and given again to the same call of yours, never to another user's. "
    "Prompts are not kept, only a digest of them."
)


class FeatureQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which feature is asked about."""

    feature: str | None = None


class CacheQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether answers may be kept."""

    enable_butter_cache: bool


async def show_entitlements(call: Call) -> Response:
    """What the plan allows, and whether it has a feature."""
    return json_response(await limits.show_plan(call, read_query(FeatureQuery).feature))


async def show_cache_settings(call: Call) -> Response:
    """Whether the user lets answers be kept."""
    rules, mine = call.edition.settings.response_cache, call.caller.lets_answers_be_kept
    return json_response(
        {
            CACHE_CHOICE: rules.default_on if mine is None else mine,
            "system_enabled": rules.enabled,
            "privacy_notice": _NOTICE,
        }
    )


async def change_cache_settings(call: Call) -> Response:
    """Let answers be kept, or not."""
    wanted = read_query(CacheQuery).enable_butter_cache
    _, mine = await profile.find_me(call)
    changes = ProfileChanges(settings={**mine.settings, CACHE_CHOICE: wanted})
    await call.services.store.sign_ups.change_profile(call.user_id, changes, call.services.clock.now())
    await call.services.authenticator.catch_up()
    message = "Your choice is kept."
    if wanted and not call.edition.settings.response_cache.enabled:
        message += " It takes effect when the response cache of this gateway is switched on."
    return json_response({"success": True, CACHE_CHOICE: wanted, "message": message})


def _answer(show: Callable[[Call], Awaitable[dict[str, Any]]]) -> Handler:
    async def handler(call: Call) -> Response:
        return json_response(await show(call))

    handler.__doc__ = show.__doc__
    return handler


_SHOWN: Final[dict[str, Callable[[Call], Awaitable[dict[str, Any]]]]] = {
    "/user/profile": profile.show_profile,
    "/user/balance": money.show_balance,
    "/user/plan": limits.show_plan,
    "/user/plan/usage": limits.show_plan_usage,
    "/user/limit": limits.show_limit,
    "/user/credit-transactions": money.list_transactions,
    "/user/environment-usage": money.show_environments,
    "/user/monitor": money.show_monitor,
    "/user/activity/stats": activity.show_activity,
    "/user/activity/log": activity.list_activity,
}

_LIMITS: Final = {"/user/balance": "balance", "/user/credit-transactions": "credit_transactions"}

ROUTES: Final = (
    *(
        Route(method="GET", path=path, handler=_answer(show), guard="user", limit=_LIMITS.get(path))
        for path, show in _SHOWN.items()
    ),
    Route(method="PUT", path="/user/profile", handler=_answer(profile.change_profile), guard="user"),
    Route(method="DELETE", path="/user/account", handler=_answer(profile.close_account), guard="user"),
    Route(method="GET", path="/user/plan/entitlements", handler=show_entitlements, guard="user", query=FeatureQuery),
    Route(method="GET", path="/user/cache-settings", handler=show_cache_settings, guard="user"),
    Route(method="PUT", path="/user/cache-settings", handler=change_cache_settings, guard="user", query=CacheQuery),
)
