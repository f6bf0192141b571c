"""`/admin/users`, `/admin/api-keys`, `/admin/balance`. Source: spec 07 §2, 04 §1 (cases 24.1.*, 24.2.*)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from quart import Response

from gatewayz.areas.admin.users.schema import BalanceQuery, DomainQuery, GrowthQuery, KeyQuery, UserQuery
from gatewayz.areas.admin.users.service import (
    parse_domain,
    show_account,
    show_balance,
    show_growth,
    show_key,
    show_kinds,
)
from gatewayz.domain.credits.adjustments import actor_name
from gatewayz.sdk.errors import AuthenticationFailed, ResourceNotFound, SchemaInvalid
from gatewayz.store.profile_records import UserFilter, public_email
from gatewayz.store.records import AuditFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_users(call: Call) -> Response:
    """Users by filters (24.2.1)."""
    query, people = read_query(UserQuery), call.services.store.people
    accounts, total = await people.page_accounts(await _filter(call, query), limit=query.limit, offset=query.offset)
    now = call.services.clock.now()
    return json_response(
        {
            "status": "success",
            "total_users": total,
            "has_more": query.offset + len(accounts) < total,
            "pagination": {
                "limit": query.limit,
                "offset": query.offset,
                "current_page": query.offset // query.limit + 1,
                "total_pages": -(-total // query.limit),
            },
            "filters_applied": _applied(query),
            "users": [show_account(account, now) for account in accounts],
            "timestamp": now,
        }
    )


async def show_user(call: Call, user_id: int) -> Response:
    """One user with keys and latest calls (24.2.2)."""
    store, user = call.services.store, await _show_user(call, user_id)
    return _success(
        call,
        user=user,
        api_keys=[show_key(key) for key in await store.keys.list_keys(user_id, limit=100)],
        recent_usage=await store.usage.list_usage(user_id, limit=10),
        recent_activity=await store.keys.list_audit(user_id, limit=10),
    )


async def show_user_of_key(call: Call) -> Response:
    """Whose key it is, asked in the address (24.2.3)."""
    return await _user_of_key(call, read_query(KeyQuery))


async def find_user_of_key(call: Call) -> Response:
    """Whose key it is, asked in the body, which no log keeps."""
    return await _user_of_key(call, await read_json(KeyQuery))


async def show_one_key(call: Call, key_id: int) -> Response:
    """Anybody's key without its text, whose it is, and what was done to it."""
    store = call.services.store
    key = await store.people.find_key(key_id)
    if key is None:
        raise ResourceNotFound("There is no such key.", param="key_id")
    logs = await store.keys.list_audit(key.user_id, limit=100, wanted=AuditFilter(key_id=key.id))
    return _success(call, api_key=show_key(key), user=await _show_user(call, key.user_id), audit_logs=logs)


async def count_users(call: Call) -> Response:
    """How many users fit (24.2.4)."""
    wanted = await _filter(call, read_query(UserQuery))
    _, count = await call.services.store.people.page_accounts(wanted, limit=1, offset=0)
    return json_response({"count": count, "timestamp": call.services.clock.now()})


async def show_new_users(call: Call) -> Response:
    """New users by day, and how many there were in all (24.2.5)."""
    days = read_query(GrowthQuery).days
    first = call.services.clock.now().astimezone(UTC).date() - timedelta(days=days - 1)
    before, made = await call.services.store.people.count_new(datetime.combine(first, time(), UTC))
    return _success(call, **show_growth(before, made, first, days))


async def show_stats(call: Call) -> Response:
    """Users by kind (24.2.6)."""
    query = read_query(UserQuery)
    kinds = await call.services.store.people.count_kinds(await _filter(call, query), call.services.clock.now())
    total = sum(each.users for each in kinds)
    return _success(call, total_users=total, filters_applied=_applied(query), statistics=show_kinds(kinds))


async def list_balances(call: Call) -> Response:
    """What every user can spend."""
    query = read_query(BalanceQuery)
    people = call.services.store.people
    accounts, total = await people.page_accounts(UserFilter(), limit=query.limit, offset=query.offset)
    has_more = query.offset + len(accounts) < total
    return _success(call, total_users=total, users=[show_balance(each) for each in accounts], has_more=has_more)


async def disable_user(call: Call, user_id: int) -> Response:
    """Switch an account off: its keys stop within a second."""
    return await _switch(call, user_id, is_active=False)


async def enable_user(call: Call, user_id: int) -> Response:
    """Switch an account on."""
    return await _switch(call, user_id, is_active=True)


async def disable_domain(call: Call, domain: str) -> Response:
    """Switch off the accounts of a mail domain, or show which these are; administrators are left alone."""
    query, services, named = read_query(DomainQuery), call.services, parse_domain(domain)
    roles, actor = services.store.roles, actor_name(call.caller.user_id)
    if query.dry_run:
        users = await roles.list_of_domain(named, query.limit)
    else:
        users = await roles.disable_domain(named, query.limit, actor=actor, now=services.clock.now())
        await services.authenticator.catch_up()
    done = "would be" if query.dry_run else "have been"
    return _success(
        call,
        message=f"{len(users)} accounts {done} switched off.",
        domain=named,
        dry_run=query.dry_run,
        total_users=len(users),
        users=[{"id": user.id, "email": public_email(user.email), "created_at": user.created_at} for user in users],
    )


async def _switch(call: Call, user_id: int, *, is_active: bool) -> Response:
    services = call.services
    actor = actor_name(call.caller.user_id)
    await services.store.roles.set_active(user_id, is_active, actor=actor, now=services.clock.now())
    await services.authenticator.catch_up()
    return _success(call, user=await _show_user(call, user_id))


async def _user_of_key(call: Call, query: KeyQuery) -> Response:
    key = query.key or query.api_key
    if not key:
        raise SchemaInvalid("key: which key is missing.", param="key")
    user_id = await _holder(call, key)
    if user_id is None:
        raise ResourceNotFound("There is no such key in force.", code="USER_NOT_FOUND", param="key")
    return _success(call, user=await _show_user(call, user_id))


async def _holder(call: Call, key: str) -> int | None:
    try:
        return (await call.services.authenticator.authenticate(key.encode())).user_id
    except AuthenticationFailed:
        return None


async def _filter(call: Call, query: UserQuery) -> UserFilter:
    user_id = None if query.api_key is None else await _holder(call, query.api_key) or 0  # 0 is nobody
    return UserFilter(email=query.email, user_id=user_id, is_active=query.is_active)


def _applied(query: UserQuery) -> dict[str, Any]:
    masked = None if query.api_key is None else f"…{query.api_key[-4:]}"
    return {"email": query.email, "api_key": masked, "is_active": query.is_active}


async def _show_user(call: Call, user_id: int) -> dict[str, Any]:
    accounts, _ = await call.services.store.people.page_accounts(UserFilter(user_id=user_id), limit=1, offset=0)
    if not accounts:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return show_account(accounts[0], call.services.clock.now())


def _success(call: Call, **shown: Any) -> Response:
    return json_response({"status": "success", **shown, "timestamp": call.services.clock.now()})


_ID: Final = "<int(max=9007199254740991):{}>"
_USER: Final = f"/admin/users/{_ID.format('user_id')}"

ROUTES: Final = (
    Route(method="GET", path="/admin/users", handler=list_users, guard="admin", query=UserQuery),
    Route(method="GET", path="/admin/users/count", handler=count_users, guard="admin", query=UserQuery),
    Route(method="GET", path="/admin/users/growth", handler=show_new_users, guard="admin", query=GrowthQuery),
    Route(method="GET", path="/admin/users/stats", handler=show_stats, guard="admin", query=UserQuery),
    Route(method="GET", path="/admin/users/by-api-key", handler=show_user_of_key, guard="admin", query=KeyQuery),
    Route(method="POST", path="/admin/users/by-api-key", handler=find_user_of_key, guard="admin", body=KeyQuery),
    Route(
        method="DELETE",
        path="/admin/users/by-domain/<string(maxlength=255):domain>",
        handler=disable_domain,
        guard="admin",
        query=DomainQuery,
    ),
    Route(method="GET", path=_USER, handler=show_user, guard="admin"),
    Route(method="POST", path=f"{_USER}/disable", handler=disable_user, guard="admin"),
    Route(method="POST", path=f"{_USER}/enable", handler=enable_user, guard="admin"),
    Route(method="GET", path=f"/admin/api-keys/{_ID.format('key_id')}", handler=show_one_key, guard="admin"),
    Route(method="GET", path="/admin/balance", handler=list_balances, guard="admin", query=BalanceQuery),
)
