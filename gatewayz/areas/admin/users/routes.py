"""`/admin/users`. Source: spec 07 §2 (cases 24.1.1, 24.1.2, 24.2.1 to 24.2.6)."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from quart import Response

from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.identity.sign_in import status_word
from gatewayz.sdk.errors import AuthenticationFailed, ResourceNotFound, SchemaInvalid
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.journal_records import EntryFilter
from gatewayz.store.profile_records import UserFilter, public_email
from gatewayz.store.records import User
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


class UserQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of users."""

    email: str | None = None
    api_key: str | None = None
    is_active: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    offset: Annotated[int, Meta(ge=0, le=2**53)] = 0


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key; better sent in a body than in an address."""

    key: str | None = None
    api_key: str | None = None


class GrowthQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Over how many days."""

    days: Annotated[int, Meta(ge=1, le=365)] = 30


async def list_users(call: Call) -> Response:
    """Users by filters."""
    query = read_query(UserQuery)
    users, total = await call.services.store.people.page_users(
        await _filter(call, query), limit=query.limit, offset=query.offset
    )
    pages = -(-total // query.limit)
    return json_response(
        {
            "status": "success",
            "total_users": total,
            "has_more": query.offset + len(users) < total,
            "pagination": {
                "limit": query.limit,
                "offset": query.offset,
                "current_page": query.offset // query.limit + 1,
                "total_pages": pages,
            },
            "filters_applied": _applied(query),
            "users": [await _show(call, user) for user in users],
            "timestamp": call.services.clock.now(),
        }
    )


async def show_user(call: Call, user_id: int) -> Response:
    """One user with keys and latest calls."""
    store = call.services.store
    user = await _find(call, user_id)
    keys = await store.keys.list_keys(user_id, limit=100)
    usage = await store.usage.list_usage(user_id, limit=10)
    audit = await store.keys.list_audit(user_id, limit=10)
    return json_response(
        {
            "status": "success",
            "user": await _show(call, user),
            "api_keys": [
                {
                    "id": key.id,
                    "key_name": key.name,
                    "masked_key": masked_key(key.environment_tag, key.sealed.last_four),
                    "environment_tag": key.environment_tag,
                    "is_active": key.is_active and key.revoked_at is None,
                    "is_primary": key.is_primary,
                    "requests_used": key.requests_used,
                    "last_used_at": key.last_used_at,
                    "created_at": key.created_at,
                }
                for key in keys
            ],
            "recent_usage": usage,
            "recent_activity": audit,
            "timestamp": call.services.clock.now(),
        }
    )


async def show_user_of_key(call: Call) -> Response:
    """Whose key it is, asked in the address."""
    return await _user_of_key(call, read_query(KeyQuery))


async def find_user_of_key(call: Call) -> Response:
    """Whose key it is, asked in the body, which no log keeps."""
    return await _user_of_key(call, await read_json(KeyQuery))


async def count_users(call: Call) -> Response:
    """How many users fit."""
    wanted = await _filter(call, read_query(UserQuery))
    _, count = await call.services.store.people.page_users(wanted, limit=1, offset=0)
    return json_response({"count": count, "timestamp": call.services.clock.now()})


async def show_growth(call: Call) -> Response:
    """New users by day, and how many there were in all."""
    days = read_query(GrowthQuery).days
    now = call.services.clock.now()
    first = now.astimezone(UTC).date() - timedelta(days=days - 1)
    before, made = await call.services.store.people.count_new(datetime.combine(first, time(), UTC))
    new = Counter(moment.astimezone(UTC).date() for moment in made)
    total, data = before, []
    for day in (first + timedelta(days=n) for n in range(days)):
        total += new[day]
        data.append({"date": day, "value": total, "new_users": new[day]})
    return json_response(
        {
            "status": "success",
            "days": days,
            "start_date": first,
            "end_date": data[-1]["date"],
            "data": data,
            "total": total,
            "growth_rate": round(100 * (total - before) / before, 2) if before else (100.0 if total else 0.0),
            "timestamp": now,
        }
    )


async def show_stats(call: Call) -> Response:
    """Users by kind."""
    query = read_query(UserQuery)
    kinds = await call.services.store.people.count_kinds(await _filter(call, query), call.services.clock.now())
    total = sum(kinds.values())
    money = await call.services.store.journal.totals(EntryFilter())
    credits = money.held_by_users / NANO_PER_USD
    roles: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    active = 0
    for (role, is_active, status), count in kinds.items():
        roles[role] += count
        statuses[status] += count
        active += count if is_active else 0
    return json_response(
        {
            "status": "success",
            "total_users": total,
            "filters_applied": _applied(query),
            "statistics": {
                "active_users": active,
                "inactive_users": total - active,
                "admin_users": roles["admin"],
                "developer_users": roles["developer"],
                "regular_users": roles["user"],
                "total_credits": credits,
                "average_credits": credits / money.users if money.users else 0.0,
                "subscription_breakdown": statuses,
            },
            "timestamp": call.services.clock.now(),
        }
    )


async def disable_user(call: Call, user_id: int) -> Response:
    """Switch an account off: its keys stop within a second."""
    return await _switch(call, user_id, is_active=False)


async def enable_user(call: Call, user_id: int) -> Response:
    """Switch an account on."""
    return await _switch(call, user_id, is_active=True)


async def _switch(call: Call, user_id: int, *, is_active: bool) -> Response:
    services = call.services
    user = await services.store.sign_ups.set_active(user_id, is_active, services.clock.now())
    await services.authenticator.catch_up()
    return json_response({"status": "success", "user": await _show(call, user), "timestamp": services.clock.now()})


async def _user_of_key(call: Call, query: KeyQuery) -> Response:
    key = query.key or query.api_key
    if not key:
        raise SchemaInvalid("key: which key is missing.", param="key")
    user_id = await _holder(call, key)
    if user_id is None:
        raise ResourceNotFound("There is no such key in force.", code="USER_NOT_FOUND", param="key")
    user = await _find(call, user_id)
    return json_response({"status": "success", "user": await _show(call, user), "timestamp": call.services.clock.now()})


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


async def _find(call: Call, user_id: int) -> User:
    user = await call.services.store.users.find_user(user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return user


async def _show(call: Call, user: User) -> dict[str, Any]:
    services = call.services
    profile = await services.store.sign_ups.find_profile(user)
    return {
        "id": user.id,
        "username": profile.username,
        "email": public_email(user.email),
        "credits": (await services.ledger.balances(user.id)).spendable / NANO_PER_USD,
        "is_active": user.is_active,
        "role": user.role,
        "plan": user.plan,
        "registration_date": user.created_at,
        "auth_method": profile.auth_method,
        "subscription_status": status_word(user, profile, services.clock.now()),
        "trial_expires_at": user.trial_ends_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


_USER: Final = "/admin/users/<int(max=9007199254740991):user_id>"

ROUTES: Final = (
    Route(method="GET", path="/admin/users", handler=list_users, guard="admin"),
    Route(method="GET", path="/admin/users/count", handler=count_users, guard="admin"),
    Route(method="GET", path="/admin/users/growth", handler=show_growth, guard="admin"),
    Route(method="GET", path="/admin/users/stats", handler=show_stats, guard="admin"),
    Route(method="GET", path="/admin/users/by-api-key", handler=show_user_of_key, guard="admin"),
    Route(method="POST", path="/admin/users/by-api-key", handler=find_user_of_key, guard="admin"),
    Route(method="GET", path=_USER, handler=show_user, guard="admin"),
    Route(method="POST", path=f"{_USER}/disable", handler=disable_user, guard="admin"),
    Route(method="POST", path=f"{_USER}/enable", handler=enable_user, guard="admin"),
)
