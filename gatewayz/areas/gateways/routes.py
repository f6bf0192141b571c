"""`/v1/gateways`, `/v1/gateway/{gateway}/stats`, `/v1/routers`. Source: spec 02 §2 (4.3.4, 4.4)."""

from typing import Any, Final

from quart import Response

from gatewayz.areas.gateways import service
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_gateways(call: Call) -> Response:
    """The gateways and routers that can be chosen, as they are shown."""
    return _stamped(call, service.list_gateways(call.edition.settings, _gateways(call)))


async def list_routers(call: Call) -> Response:
    """The routers that choose a model for a prompt."""
    routers = service.list_routers(call.edition.settings)
    return _stamped(call, {"data": routers, "total": len(routers)})


async def show_gateway_status(call: Call) -> Response:
    """How many models each gateway has now, and whether it fails."""
    return _stamped(call, service.gateway_status(_gateways(call), call.edition.catalog, call.services.observation))


async def show_gateway_summary(call: Call) -> Response:
    """What went through each gateway, and through all."""
    time_range = read_query(service.StatsQuery).time_range
    now = call.edition.clock.now()
    return _stamped(call, await service.summary(_gateways(call), call.services.observation, time_range, now))


async def show_gateway_stats(call: Call, gateway: str) -> Response:
    """What went through one gateway, by the makers of the models."""
    time_range = read_query(service.StatsQuery).time_range
    view, now = call.services.observation, call.edition.clock.now()
    return _stamped(call, await service.gateway_stats(_gateways(call), view, gateway, time_range, now))


def _gateways(call: Call) -> Gateways:
    return Gateways(call.edition.settings.providers, call.edition.catalog)


def _stamped(call: Call, answer: dict[str, Any]) -> Response:
    return json_response({**answer, "timestamp": call.edition.clock.now()})


ROUTES: Final = (
    Route(method="GET", path="/v1/gateways", handler=list_gateways, guard="optional"),
    Route(method="GET", path="/v1/gateways/status", handler=show_gateway_status, guard="optional"),
    Route(
        method="GET",
        path="/v1/gateways/summary",
        handler=show_gateway_summary,
        guard="optional",
        query=service.StatsQuery,
    ),
    Route(
        method="GET",
        path="/v1/gateway/<gateway>/stats",
        handler=show_gateway_stats,
        guard="optional",
        query=service.StatsQuery,
    ),
    Route(method="GET", path="/v1/routers", handler=list_routers, guard="optional"),
)
