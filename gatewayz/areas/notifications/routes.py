"""`/user/notifications`. Source: spec 08 §5 (23.1 to 23.3)."""

from typing import Final

from quart import Response

from gatewayz.areas.notifications import service
from gatewayz.areas.notifications.schema import PreferencesBody, ReportQuery, TestQuery
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_preferences(call: Call) -> Response:
    """What the caller wants to be told."""
    return json_response(await service.show_preferences(call.services, call.user_id))


async def change_preferences(call: Call) -> Response:
    """Change what the caller wants to be told."""
    body = await read_json(PreferencesBody)
    return json_response(await service.change_preferences(call.services, call.user_id, body))


async def send_usage_report(call: Call) -> Response:
    """Mail a month's usage to the caller."""
    query = read_query(ReportQuery)
    return json_response(await service.send_report(call.services, call.user_id, query.month))


async def send_test(call: Call) -> Response:
    """Mail a message to the caller, to see that it arrives."""
    query = read_query(TestQuery)
    return json_response(await service.send_test(call.services, call.user_id, query.notification_type))


_PREFERENCES: Final = "/user/notifications/preferences"
_LIMIT: Final = "notifications"

ROUTES: Final = (
    Route(method="GET", path=_PREFERENCES, handler=show_preferences, guard="user"),
    # A `webhook_url` is looked up, as those of `/user/webhooks` are: the same calls count.
    Route(
        method="PUT",
        path=_PREFERENCES,
        handler=change_preferences,
        guard="user",
        body=PreferencesBody,
        limit="webhooks",
    ),
    Route(
        method="POST",
        path="/user/notifications/send-usage-report",
        handler=send_usage_report,
        guard="user",
        query=ReportQuery,
        limit=_LIMIT,
    ),
    Route(
        method="POST",
        path="/user/notifications/test",
        handler=send_test,
        guard="user",
        query=TestQuery,
        limit=_LIMIT,
    ),
)
