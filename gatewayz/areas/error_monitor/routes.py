"""`/error-monitor`. Source: spec 05 §8 (17.1 to 17.7). Answered from memory: 200 whatever is down."""

from typing import Final

from quart import Response

from gatewayz.areas.error_monitor.schema import DayQuery, RecentQuery
from gatewayz.areas.error_monitor.service import ErrorPages
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]


async def show_status(call: Call) -> Response:
    """What runs by itself (17.1)."""
    return json_response(_pages(call).status())


async def show_health(call: Call) -> Response:
    """Whether errors are seen and shared (17.2)."""
    return json_response(_pages(call).health())


async def show_dashboard(call: Call) -> Response:
    """Sums, and the latest of what matters (17.3)."""
    return json_response(_pages(call).dashboard())


async def list_recent(call: Call) -> Response:
    """What was seen lately (17.4)."""
    query = read_query(RecentQuery)
    return json_response(_pages(call).recent(query.hours, query.limit))


async def list_critical(call: Call) -> Response:
    """What must be looked at now (17.5)."""
    return json_response(_pages(call).critical(read_query(DayQuery).hours))


async def list_fixable(call: Call) -> Response:
    """What is known how to repair (17.6)."""
    return json_response(_pages(call).fixable(read_query(DayQuery).hours))


async def list_patterns(call: Call) -> Response:
    """Everything that is kept (17.7)."""
    return json_response(_pages(call).patterns())


async def list_details(call: Call) -> Response:
    """The same with places in the code, request ids and log lines, for administrators."""
    services = call.services
    return json_response(ErrorPages(services.errors, services.clock.now(), is_detailed=True).patterns())


def _pages(call: Call) -> ErrorPages:
    is_detailed = call.edition.settings.access.error_monitor == "admin"  # then only administrators get here
    return ErrorPages(call.services.errors, call.services.clock.now(), is_detailed=is_detailed)


_BASE: Final = "/error-monitor"


def _route(path: str, handler: Handler, query: type | None = None) -> Route:
    return Route(method="GET", path=_BASE + path, handler=handler, guard="operator", group="error_monitor", query=query)


ROUTES: Final = (
    _route("/autonomous/status", show_status),
    _route("/health", show_health),
    _route("/dashboard", show_dashboard),
    _route("/errors/recent", list_recent, RecentQuery),
    _route("/errors/critical", list_critical, DayQuery),
    _route("/errors/fixable", list_fixable, DayQuery),
    _route("/errors/patterns", list_patterns),
    Route(method="GET", path="/admin/error-monitor/patterns", handler=list_details, guard="admin"),
)
