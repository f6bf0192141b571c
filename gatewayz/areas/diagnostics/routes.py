"""`/api/diagnostics/*`. Source: spec 05 §5 (14.1, 14.2)."""

from typing import Final

from quart import Response

from gatewayz.areas.diagnostics import service
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_concurrency(call: Call) -> Response:
    """Work under way, of all workers, and how much more there may be (14.1)."""
    figures = await call.services.metrics.figures()
    return json_response(service.concurrency(figures, call.edition.settings.timeouts.connect_s))


async def show_provider_timing(call: Call) -> Response:
    """Offers that took long in the last 24 hours (14.2)."""
    now = call.edition.clock.now()
    return json_response(await service.provider_timing(call.services.observation, now))


ROUTES: Final = (
    Route(
        method="GET", path="/api/diagnostics/concurrency", handler=show_concurrency, guard="operator", group="metrics"
    ),
    Route(
        method="GET",
        path="/api/diagnostics/provider-timing",
        handler=show_provider_timing,
        guard="operator",
        group="metrics",
    ),
)
