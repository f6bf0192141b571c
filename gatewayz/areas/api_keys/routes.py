"""`/user/api-keys`. Source: spec 03 §4 (cases 8.3.1 to 8.3.7)."""

from typing import Final

from quart import Response

from gatewayz.areas.api_keys.schema import AuditQuery, KeyDeletion, KeyUpdate, ListQuery, NewKeyBody
from gatewayz.areas.api_keys.service import KeyPages
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def create_key(call: Call) -> Response:
    """Make a key."""
    body = await read_json(NewKeyBody)
    return json_response(await _pages(call).create(body), 201)


async def list_keys(call: Call) -> Response:
    """The caller's keys, masked; `reveal=true` with the primary key shows their texts."""
    answer = json_response(await _pages(call).list(reveal=read_query(ListQuery).reveal))
    answer.headers["cache-control"] = "no-store"
    return answer


async def show_usage(call: Call) -> Response:
    """How much each key has been used."""
    return json_response(await _pages(call).usage())


async def list_audit_logs(call: Call) -> Response:
    """What was done to the keys."""
    return json_response(await _pages(call).audit(read_query(AuditQuery)))


async def update_key(call: Call, key_id: int) -> Response:
    """Change, rotate, or rotate all."""
    body = await read_json(KeyUpdate)
    try:
        return json_response(await _pages(call).update(key_id, body))
    finally:
        await call.services.authenticator.catch_up()


async def delete_key(call: Call, key_id: int) -> Response:
    """Put a key out of force; this process refuses it at once, the others within a second."""
    body = await read_json(KeyDeletion, default=KeyDeletion())
    answer = await _pages(call).delete(key_id, body)
    await call.services.authenticator.catch_up()
    return json_response(answer)


def _pages(call: Call) -> KeyPages:
    services = call.services
    return KeyPages(services.accounts, services.store.keys, call.caller, call.user_id, services.clock.now())


_KEY: Final = "/user/api-keys/<int(max=9007199254740991):key_id>"

ROUTES: Final = (
    Route(method="POST", path="/user/api-keys", handler=create_key, guard="user", limit="api_keys", body=NewKeyBody),
    Route(method="GET", path="/user/api-keys", handler=list_keys, guard="user", query=ListQuery),
    Route(method="GET", path="/user/api-keys/usage", handler=show_usage, guard="user"),
    Route(method="GET", path="/user/api-keys/audit-logs", handler=list_audit_logs, guard="user", query=AuditQuery),
    Route(method="PUT", path=_KEY, handler=update_key, guard="user", body=KeyUpdate),
    Route(method="DELETE", path=_KEY, handler=delete_key, guard="user", body=KeyDeletion),
)
