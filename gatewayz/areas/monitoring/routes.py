"""`/api/monitoring/*`. Source: spec 05 §4 (13.6 to 13.10)."""

from typing import Final

from quart import Response

from gatewayz.areas.monitoring import service
from gatewayz.areas.monitoring.schema import CostQuery, ErrorsQuery, RealtimeQuery
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]


async def list_provider_health(call: Call) -> Response:
    """The score of every provider (13.6)."""
    return json_response(service.providers_health(call.services.observation, call.edition.providers))


async def show_provider_health(call: Call, provider: str) -> Response:
    """The score of one provider (13.6)."""
    return json_response(service.provider_health(call.services.observation, call.edition.providers, provider))


async def show_realtime_stats(call: Call) -> Response:
    """Requests and cost of the last hours (13.7)."""
    hours = read_query(RealtimeQuery).hours
    return json_response(await service.realtime(call.services.observation, hours, call.edition.clock.now()))


async def show_error_rates(call: Call) -> Response:
    """How many requests failed, by model (13.8)."""
    hours = read_query(ErrorsQuery).hours
    return json_response(await service.error_rates(call.services.observation, hours, call.edition.clock.now()))


async def show_cost_analysis(call: Call) -> Response:
    """What providers cost (13.9)."""
    days = read_query(CostQuery).days
    return json_response(await service.costs(call.services.observation, days, call.edition.clock.now()))


async def list_anomalies(call: Call) -> Response:
    """Hours that are unlike the others (13.10)."""
    return json_response(await service.anomalies(call.services.observation, call.edition.clock.now()))


def _route(path: str, handler: Handler, query: type | None = None) -> Route:
    return Route(
        method="GET",
        path=f"/api/monitoring/{path}",
        handler=handler,
        guard="operator",
        group="metrics",
        query=query,
    )


ROUTES: Final = (
    _route("health", list_provider_health),
    _route("health/<string(maxlength=64):provider>", show_provider_health),
    _route("stats/realtime", show_realtime_stats, RealtimeQuery),
    _route("error-rates", show_error_rates, ErrorsQuery),
    _route("cost-analysis", show_cost_analysis, CostQuery),
    _route("anomalies", list_anomalies),
)
