"""`/metrics` and `/api/metrics/*`. Source: spec 05 §4 (13.1 to 13.5)."""

import asyncio
from typing import Final

from quart import Response, request

from gatewayz.areas.metrics import service
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]


async def show_metrics(call: Call) -> Response:
    """All figures, in the format that `Accept` asks for."""
    figures = await call.services.metrics.figures()
    rules = call.edition.settings.observation.metrics
    # Thousands of lines: other requests go on meanwhile.
    text, content_type = await asyncio.to_thread(service.exposition, figures, rules, request.headers.get("accept", ""))
    return Response(text, content_type=content_type)


async def show_parsed_metrics(call: Call) -> Response:
    """Latency, requests and errors of each endpoint."""
    return json_response(service.parsed(await call.services.metrics.figures()))


async def show_metrics_status(call: Call) -> Response:
    """Where the figures come from, and which dashboards can read them."""
    figures = await call.services.metrics.figures()
    return json_response(service.status(figures, call.edition.settings, call.edition.clock.now()))


async def show_metrics_summary(call: Call) -> Response:
    """The same, with the names of metrics."""
    figures = await call.services.metrics.figures()
    return json_response(service.summary(figures, call.edition.settings, call.edition.clock.now()))


async def show_metrics_health(call: Call) -> Response:
    """Whether figures are collected, part by part."""
    figures = await call.services.metrics.figures()
    return json_response(service.health(figures, call.edition.settings, call.edition.clock.now()))


def _route(path: str, handler: Handler, content_type: str = "application/json") -> Route:
    return Route(method="GET", path=path, handler=handler, guard="operator", group="metrics", content_type=content_type)


ROUTES: Final = (
    _route("/metrics", show_metrics, "text/plain"),
    _route("/api/metrics/parsed", show_parsed_metrics),
    _route("/api/metrics/status", show_metrics_status),
    _route("/api/metrics/summary", show_metrics_summary),
    _route("/api/metrics/health", show_metrics_health),
)
