"""`/v1/models/trending` and `/v1/models/low-latency`. Source: spec 02 §2 (4.1.5, 4.1.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.model_traffic.service import LatencyQuery, TrendingQuery, low_latency, trending
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_trending_models(call: Call) -> Response:
    """The models used most, over a time, of one gateway or all."""
    now = call.edition.clock.now()
    found = await trending(call.services.observation, _gateways(call), read_query(TrendingQuery), now)
    return json_response({**found, "timestamp": now})


async def list_low_latency_models(call: Call) -> Response:
    """The models that answered soonest in the last hour."""
    catalog = call.edition.catalog
    found = low_latency(call.services.observation, _gateways(call), catalog, read_query(LatencyQuery))
    return json_response({**found, "timestamp": call.edition.clock.now()})


def _gateways(call: Call) -> Gateways:
    return Gateways(call.edition.settings.providers, call.edition.catalog)


ROUTES: Final = (
    Route(
        method="GET", path="/v1/models/trending", handler=list_trending_models, guard="optional", query=TrendingQuery
    ),
    Route(
        method="GET",
        path="/v1/models/low-latency",
        handler=list_low_latency_models,
        guard="optional",
        query=LatencyQuery,
    ),
)
