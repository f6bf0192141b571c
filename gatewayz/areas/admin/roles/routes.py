"""`/admin/roles`. Source: spec 07 §7 (cases 24.7.1 to 24.7.5)."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from quart import Response

from gatewayz.domain.credits.adjustments import actor_name
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.store.profile_records import UserFilter, public_email
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

_Limit = Annotated[int, Meta(ge=1, le=1000)]


class RoleUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/roles/update`."""

    user_id: int
    new_role: str
    reason: Annotated[str, Meta(max_length=1000)] | None = None


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/roles/list/{role}`."""

    limit: _Limit = 100


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/roles/audit/log`."""

    user_id: int | None = None
    limit: _Limit = 50


async def show_role(call: Call, user_id: int) -> Response:
    """A user's role, and what it may do."""
    user = await call.services.store.users.find_user(user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    permissions = [{**each, "allowed": True} for each in _permissions(call, user.role)]
    return json_response({"user_id": user.id, "role": user.role, "permissions": permissions})


async def update_role(call: Call) -> Response:
    """Give a user another role; it is written down."""
    body = await read_json(RoleUpdate)
    _require_role(call, body.new_role, "new_role")
    actor = actor_name(call.caller.user_id)
    services = call.services
    change = await services.store.roles.set_role(
        body.user_id, body.new_role, actor=actor, reason=body.reason, now=services.clock.now()
    )
    await services.authenticator.catch_up()
    message = f"The role of user {body.user_id} was {change.previous_role} and is {body.new_role}."
    return json_response({"success": True, "message": message})


async def list_users(call: Call, role: str) -> Response:
    """Who has a role."""
    _require_role(call, role, "role")
    limit = read_query(ListQuery).limit
    people = call.services.store.people
    accounts, total = await people.page_accounts(UserFilter(role=role), limit=limit, offset=0)
    shown = [
        {
            "id": each.user.id,
            "username": each.profile.username,
            "email": public_email(each.user.email),
            "role": each.user.role,
            "created_at": each.user.created_at,
        }
        for each in accounts
    ]
    return json_response({"role": role, "users": shown, "total": total})


async def list_permissions(call: Call, role: str) -> Response:
    """What a role may do."""
    _require_role(call, role, "role")
    permissions = _permissions(call, role)
    return json_response({"role": role, "permissions": permissions, "total": len(permissions)})


async def list_changes(call: Call) -> Response:
    """Changes of roles, newest first."""
    query = read_query(AuditQuery)
    changes = await call.services.store.roles.list_role_changes(query.user_id, query.limit)
    logs = [{**msgspec.structs.asdict(change), "metadata": {}} for change in changes]
    return json_response({"logs": logs, "total": len(logs)})


def _permissions(call: Call, role: str) -> list[dict[str, Any]]:
    resources = call.edition.settings.roles.get(role, {})
    return [{"resource": name, "action": action} for name, actions in resources.items() for action in actions]


def _require_role(call: Call, role: str, param: str) -> None:
    known = ("user", "developer", "admin", *call.edition.settings.roles)
    if role not in known:
        allowed = sorted(set(known))
        raise InvalidRequest(f"Roles are {', '.join(allowed)}.", param=param, context={"allowed_values": allowed})


ROUTES: Final = (
    Route(method="GET", path="/admin/roles/<int(max=9007199254740991):user_id>", handler=show_role, guard="admin"),
    Route(method="POST", path="/admin/roles/update", handler=update_role, guard="admin", body=RoleUpdate),
    Route(method="GET", path="/admin/roles/list/<role>", handler=list_users, guard="admin", query=ListQuery),
    Route(method="GET", path="/admin/roles/permissions/<role>", handler=list_permissions, guard="admin"),
    Route(method="GET", path="/admin/roles/audit/log", handler=list_changes, guard="admin", query=AuditQuery),
)
