"""`/admin/rate-limits`. Source: spec 07 §3."""

from typing import Any, Final

from quart import Response

from gatewayz.areas.admin.rate_limits.schema import KeyLimitsBody, KeyName, UsersQuery
from gatewayz.areas.admin.rate_limits.service import show_alerts, show_system
from gatewayz.domain.identity.mail_domains import kind_of_mail
from gatewayz.domain.limits.key_pages import LimitPages
from gatewayz.sdk.errors import AuthenticationFailed, ResourceNotFound, SchemaInvalid
from gatewayz.store.profile_records import UserFilter
from gatewayz.store.records import User
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_limiter(call: Call) -> Response:
    """The rules, and what this process decided by them."""
    services = call.services
    shown = show_system(call.edition.settings.limits, services.limiter, services.velocity)
    return _success(call, data=shown)


async def list_alerts(call: Call) -> Response:
    """Who was refused, and what is wrong with the limiter."""
    services = call.services
    alerts = show_alerts(call.edition.settings.limits, services.limiter, services.velocity)
    return _success(call, alerts=alerts, total=len(alerts))


async def list_users(call: Call) -> Response:
    """Users in order of id, with the limits of their keys and what is used of them."""
    query = read_query(UsersQuery)
    page, total = await call.services.store.people.page_users(UserFilter(), limit=query.limit, offset=query.offset)
    users = [
        {
            "user_id": user.id,
            "email": user.email,
            "plan": user.plan,
            "rate_limit_configs": await (await _pages_of(call, user)).show_all(),
        }
        for user in page
    ]
    return _success(call, users=users, total=total, limit=query.limit, offset=query.offset)


async def show_config(call: Call) -> Response:
    """Limits of one key."""
    key = read_query(KeyName)
    pages, key_id = await _pages(call, key.key_id, key.api_key)
    return _success(call, **await pages.show(key_id))


async def set_config(call: Call) -> Response:
    """Set limits of a key, at most its plan's; what is left out stays."""
    body = await read_json(KeyLimitsBody)
    pages, key_id = await _pages(call, body.key_id, body.api_key)
    config = await pages.change(key_id, body, _actor(call))
    return await _changed(call, key_id, config, "The limits have been changed.")


async def reset_config(call: Call) -> Response:
    """Put a key back to its plan's limits."""
    key = await read_json(KeyName)
    return await _reset(call, key)


async def delete_config(call: Call) -> Response:
    """Forget the limits of a key, which is to reset them."""
    return await _reset(call, read_query(KeyName))


async def _reset(call: Call, key: KeyName) -> Response:
    pages, key_id = await _pages(call, key.key_id, key.api_key)
    config = await pages.reset(key_id, _actor(call))
    return await _changed(call, key_id, config, "The limits of the plan hold again.")


async def _changed(call: Call, key_id: int, config: dict[str, Any], message: str) -> Response:
    await call.services.authenticator.catch_up()
    return _success(call, message=message, key_id=key_id, rate_limit_config=config)


async def _pages(call: Call, key_id: int | None, api_key: str | None) -> tuple[LimitPages, int]:
    """Return the pages of a key's owner and the key's id. Raises SchemaInvalid, ResourceNotFound."""
    if (key_id is None) == (api_key is None):
        raise SchemaInvalid("Send either key_id or api_key.", param="key_id")
    user_id: int | None = None
    param = "key_id" if api_key is None else "api_key"
    if api_key is not None:
        try:
            holder = await call.services.authenticator.authenticate(api_key.encode())
        except AuthenticationFailed as err:
            raise ResourceNotFound("There is no such key.", param=param) from err
        user_id, key_id = holder.user_id, holder.key_id
    elif key_id is not None:
        user_id = await call.services.store.people.owner_of_key(key_id)
    user = None if user_id is None else await call.services.store.users.find_user(user_id)
    if user is None or key_id is None:
        raise ResourceNotFound("There is no such key.", param=param)
    return await _pages_of(call, user), key_id


async def _pages_of(call: Call, user: User) -> LimitPages:
    services, plans, domains = call.services, call.edition.plans, call.edition.settings.mail_domains
    profile = await services.store.sign_ups.find_profile(user)
    return LimitPages(
        services.accounts,
        services.store.keys,
        services.limiter,
        call.edition.settings.limits,
        plan=plans.named(user.plan, user.plan_ends_at),
        user_id=user.id,
        mail=kind_of_mail(user.email, domains, is_suspect=profile.is_suspect),
    )


def _actor(call: Call) -> str:
    return f"admin:{call.caller.user_id or 0}"


def _success(call: Call, **shown: Any) -> Response:
    return json_response({"status": "success", **shown, "timestamp": call.services.clock.now()})


_PATH: Final = "/admin/rate-limits"

ROUTES: Final = (
    Route(method="GET", path=f"{_PATH}/system", handler=show_limiter, guard="admin"),
    Route(method="GET", path=f"{_PATH}/alerts", handler=list_alerts, guard="admin"),
    Route(method="GET", path=f"{_PATH}/users", handler=list_users, guard="admin", query=UsersQuery),
    Route(method="GET", path=f"{_PATH}/config", handler=show_config, guard="admin", query=KeyName),
    Route(method="POST", path=f"{_PATH}/config", handler=set_config, guard="admin", body=KeyLimitsBody),
    Route(method="POST", path=f"{_PATH}/config/reset", handler=reset_config, guard="admin", body=KeyName),
    Route(method="PUT", path=f"{_PATH}/update", handler=set_config, guard="admin", body=KeyLimitsBody),
    Route(method="DELETE", path=f"{_PATH}/delete", handler=delete_config, guard="admin", query=KeyName),
)
