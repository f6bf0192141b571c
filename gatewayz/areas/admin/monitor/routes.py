"""`/admin/monitor`, `/admin/monitoring/chat-requests*`. Source: spec 07 §4 (24.4.1 to 24.4.3)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.monitor import service
from gatewayz.areas.admin.monitor.schema import CallsPage, CallsQuery
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]


async def show_monitor(call: Call) -> Response:
    """Users, today's calls and money (24.4.1)."""
    now = call.services.clock.now()
    data = await service.monitor(call.services.store, now)
    return json_response({"status": "success", "timestamp": now, "data": data})


async def list_chat_requests(call: Call) -> Response:
    """Calls, newest first (24.4.2)."""
    query = read_query(CallsPage)
    return json_response(await service.list_calls(call.services.store, query, call.services.clock.now()))


async def summarise_chat_requests(call: Call) -> Response:
    """Sums of calls (24.4.3)."""
    query = read_query(CallsQuery)
    return json_response(await service.summarise_calls(call.services.store, query, call.services.clock.now()))


async def count_by_model(call: Call) -> Response:
    """Calls of each model, most first."""
    query = read_query(CallsQuery)
    return json_response(await service.group_calls(call.services.store, query, "model", call.services.clock.now()))


async def count_by_provider(call: Call) -> Response:
    """Calls of each provider, most first."""
    query = read_query(CallsQuery)
    return json_response(await service.group_calls(call.services.store, query, "provider", call.services.clock.now()))


_CALLS: Final = "/admin/monitoring/chat-requests"


def _route(path: str, handler: Handler, query: type | None = None) -> Route:
    return Route(method="GET", path=path, handler=handler, guard="admin", query=query)


ROUTES: Final = (
    _route("/admin/monitor", show_monitor),
    _route(_CALLS, list_chat_requests, CallsPage),
    _route(f"{_CALLS}/summary", summarise_chat_requests, CallsQuery),
    _route(f"{_CALLS}/models", count_by_model, CallsQuery),
    _route(f"{_CALLS}/counts", count_by_model, CallsQuery),
    _route(f"{_CALLS}/providers", count_by_provider, CallsQuery),
)
