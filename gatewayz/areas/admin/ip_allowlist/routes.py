"""`/api/admin/ip-whitelist`. Source: spec 07 §1 (cases 21.1 to 21.5)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.ip_allowlist.schema import CheckBody, EntriesQuery, EntryBody, EntryEdits
from gatewayz.areas.admin.ip_allowlist.service import changes_of, checked_address, new_entry, show_entry
from gatewayz.domain.limits.allowlist import is_listed
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.store.allowlist_records import AllowlistEntry, AllowlistFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def add_entry(call: Call) -> Response:
    """List an address or a range (21.1)."""
    body = await read_json(EntryBody)
    services = call.services
    actor = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    entry = new_entry(body, actor, services.clock.now())
    if body.user_id is not None and await services.store.users.find_user(body.user_id) is None:
        raise ResourceNotFound("There is no such user.", param="user_id")
    await services.store.allowlist.add(entry)
    await services.allowlist.refresh()
    return json_response(show_entry(entry), 201)


async def list_entries(call: Call) -> Response:
    """Entries, oldest first (21.2)."""
    query = read_query(EntriesQuery)
    wanted = AllowlistFilter(
        user_id=query.user_id,
        is_enabled=True if query.enabled_only else None,
        expires_after=None if query.include_expired else call.services.clock.now(),
    )
    return json_response([show_entry(entry) for entry in await call.services.store.allowlist.list_entries(wanted)])


async def find_entry(call: Call, entry_id: str) -> Response:
    """One entry."""
    return json_response(show_entry(_found(await call.services.store.allowlist.find(entry_id))))


async def check_address(call: Call) -> Response:
    """Whether an address is listed, for everybody or for a user (21.3)."""
    body = await read_json(CheckBody)
    address, services = checked_address(body), call.services
    wanted = AllowlistFilter(is_enabled=True, expires_after=services.clock.now())
    entries = await services.store.allowlist.list_entries(wanted)
    return json_response(
        {
            "ip_address": address,
            "is_whitelisted": is_listed(address, entries, services.clock, body.user_id),
            "user_id": body.user_id,
        }
    )


async def change_entry(call: Call, entry_id: str) -> Response:
    """Change an entry (21.4)."""
    changes = changes_of(await read_json(EntryEdits))
    services = call.services
    entry = _found(await services.store.allowlist.change(entry_id, changes, services.clock.now()))
    await services.allowlist.refresh()
    return json_response(show_entry(entry))


async def remove_entry(call: Call, entry_id: str) -> Response:
    """Take an entry off the list (21.5)."""
    if not await call.services.store.allowlist.remove(entry_id):
        raise _missing()
    await call.services.allowlist.refresh()
    return json_response({"success": True, "message": "The entry has been removed.", "id": entry_id})


def _found(entry: AllowlistEntry | None) -> AllowlistEntry:
    if entry is None:
        raise _missing()
    return entry


def _missing() -> ResourceNotFound:
    return ResourceNotFound("There is no such entry.", param="entry_id")


_LIST: Final = "/api/admin/ip-whitelist"
_ENTRY: Final = f"{_LIST}/<string(maxlength=64):entry_id>"

ROUTES: Final = (
    Route(method="POST", path=_LIST, handler=add_entry, guard="admin", body=EntryBody),
    Route(method="GET", path=_LIST, handler=list_entries, guard="admin", query=EntriesQuery),
    Route(method="POST", path=f"{_LIST}/check", handler=check_address, guard="admin", body=CheckBody),
    Route(method="GET", path=_ENTRY, handler=find_entry, guard="admin"),
    Route(method="PUT", path=_ENTRY, handler=change_entry, guard="admin", body=EntryEdits),
    Route(method="PATCH", path=_ENTRY, handler=change_entry, guard="admin", body=EntryEdits),
    Route(method="DELETE", path=_ENTRY, handler=remove_entry, guard="admin"),
)
