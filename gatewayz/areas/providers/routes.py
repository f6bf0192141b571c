"""`/v1/provider`. Source: spec 02 §2 (4.3.1-4.3.3)."""

from typing import Any, Final

from quart import Response

from gatewayz.areas.providers.service import ListQuery, Providers, StatsQuery, TopQuery
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_providers(call: Call) -> Response:
    """Who makes and serves the models, those with most models first."""
    return _stamped(call, _providers(call).list(read_query(ListQuery)))


async def show_provider_stats(call: Call, provider_name: str) -> Response:
    """What was asked of one provider's models."""
    return _stamped(call, await _providers(call).stats(provider_name, read_query(StatsQuery)))


async def list_top_models(call: Call, provider_name: str) -> Response:
    """Its models that were asked most."""
    return _stamped(call, await _providers(call).top_models(provider_name, read_query(TopQuery)))


def _providers(call: Call) -> Providers:
    edition = call.edition
    gateways = Gateways(edition.settings.providers, edition.catalog)
    return Providers(edition.catalog, gateways, call.services.observation, edition.clock.now())


def _stamped(call: Call, answer: dict[str, Any]) -> Response:
    return json_response({**answer, "timestamp": call.edition.clock.now()})


ROUTES: Final = (
    Route(method="GET", path="/v1/provider", handler=list_providers, guard="optional", query=ListQuery),
    Route(
        method="GET",
        path="/v1/provider/<provider_name>/stats",
        handler=show_provider_stats,
        guard="optional",
        query=StatsQuery,
    ),
    Route(
        method="GET",
        path="/v1/provider/<provider_name>/top-models",
        handler=list_top_models,
        guard="optional",
        query=TopQuery,
    ),
)
