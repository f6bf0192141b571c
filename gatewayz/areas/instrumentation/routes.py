"""`/api/instrumentation/health`. Source: spec 05 §4 (13.11)."""

from typing import Final

from quart import Response

from gatewayz.areas.instrumentation import service
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_instrumentation(call: Call) -> Response:
    """Where logs and traces go."""
    return json_response(service.health(call.edition.settings, call.edition.clock.now()))


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/instrumentation/health",
        handler=show_instrumentation,
        guard="operator",
        group="metrics",
    ),
)
