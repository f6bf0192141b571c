"""`/user/rate-limits`, `/admin/limit`, `/velocity-mode-status`. Source: spec 03 §5, 07 §3, 05 §1."""

from typing import Final

from quart import Response

from gatewayz.areas.rate_limits.schema import AdminLimitBody, UsageQuery
from gatewayz.domain.identity.mail_domains import kind_of_mail
from gatewayz.domain.limits.key_pages import LimitPages
from gatewayz.domain.limits.limit_values import LimitsBody
from gatewayz.sdk.errors import AuthenticationFailed, ResourceNotFound
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_limits(call: Call) -> Response:
    """Limits of the caller's keys, and what is used of them (8.4.1)."""
    shown = {"status": "success", "user_id": call.user_id, "rate_limit_configs": await _own(call).show_all()}
    return json_response({**shown, "timestamp": call.services.clock.now()})


async def show_usage(call: Call, key_id: int) -> Response:
    """What is used of one window of a key (8.4.2)."""
    shown = await _own(call).usage(key_id, read_query(UsageQuery).window())
    return json_response({"status": "success", **shown, "timestamp": call.services.clock.now()})


async def update_limits(call: Call, key_id: int) -> Response:
    """Set limits of a key, at most the plan's (8.4.3)."""
    body = await read_json(LimitsBody)
    config = await _own(call).change(key_id, body, f"user:{call.user_id}")
    await call.services.authenticator.catch_up()
    return json_response(
        {
            "status": "success",
            "message": "The limits have been changed.",
            "key_id": key_id,
            "updated_config": config,
            "timestamp": call.services.clock.now(),
        }
    )


async def update_all_limits(call: Call) -> Response:
    """Set limits of every key of the caller (8.4.4)."""
    body = await read_json(LimitsBody)
    count, config = await _own(call).change_all(body, f"user:{call.user_id}")
    await call.services.authenticator.catch_up()
    return json_response(
        {
            "status": "success",
            "message": "The limits have been changed.",
            "updated_count": count,
            "updated_config": config,
            "timestamp": call.services.clock.now(),
        }
    )


async def set_limit(call: Call) -> Response:
    """Set limits of anybody's key, by its text (24.3.4)."""
    body = await read_json(AdminLimitBody)
    try:
        holder = await call.services.authenticator.authenticate(body.api_key.encode())
    except AuthenticationFailed as err:
        raise ResourceNotFound("There is no such key.", param="api_key") from err
    if holder.user_id is None or holder.key_id is None:
        raise ResourceNotFound("There is no such key.", param="api_key")
    user = await call.services.store.users.find_user(holder.user_id)
    plan = None if user is None else call.edition.plans.named(user.plan, user.plan_ends_at)
    pages = LimitPages(
        call.services.accounts,
        call.services.store.keys,
        call.services.limiter,
        call.edition.settings.limits,
        plan=plan or call.edition.plans.without,
        user_id=holder.user_id,
        mail=kind_of_mail(holder.email, call.edition.settings.mail_domains, is_suspect=holder.is_suspect),
    )
    config = await pages.change(holder.key_id, body, f"admin:{call.caller.user_id or 0}")
    await call.services.authenticator.catch_up()
    return json_response({"status": "success", "message": "The limits have been changed.", "rate_limits": config})


async def show_velocity_mode(call: Call) -> Response:
    """Whether strangers may ask for less at the moment (1.4)."""
    return json_response(call.services.velocity.status(call.edition.settings.limits.network))


def _own(call: Call) -> LimitPages:
    services = call.services
    return LimitPages(
        services.accounts,
        services.store.keys,
        services.limiter,
        call.edition.settings.limits,
        plan=call.edition.plans.of(call.caller),
        user_id=call.user_id,
        mail=kind_of_mail(call.caller.email, call.edition.settings.mail_domains, is_suspect=call.caller.is_suspect),
    )


_KEY: Final = "<int(max=9007199254740991):key_id>"

ROUTES: Final = (
    Route(method="GET", path="/velocity-mode-status", handler=show_velocity_mode, guard="public"),
    Route(method="GET", path="/user/rate-limits", handler=list_limits, guard="user"),
    Route(method="GET", path=f"/user/rate-limits/usage/{_KEY}", handler=show_usage, guard="user", query=UsageQuery),
    Route(method="PUT", path=f"/user/rate-limits/{_KEY}", handler=update_limits, guard="user", body=LimitsBody),
    Route(
        method="POST", path="/user/rate-limits/bulk-update", handler=update_all_limits, guard="user", body=LimitsBody
    ),
    Route(method="POST", path="/admin/limit", handler=set_limit, guard="admin", body=AdminLimitBody),
)
