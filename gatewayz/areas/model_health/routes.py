"""`/v1/model-health`. Models contain slashes. Source: spec 02 §2 (4.6.1 to 4.6.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.model_health.schema import ListQuery, UnhealthyQuery
from gatewayz.areas.model_health.service import ModelHealth
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_models(call: Call) -> Response:
    """Every model that was ever called, a page at a time."""
    return json_response(await _health(call).list_models(read_query(ListQuery), call.edition.clock.now()))


async def show_stats(call: Call) -> Response:
    """Sums over all of them."""
    return json_response(await _health(call).stats(call.edition.clock.now()))


async def list_providers(call: Call) -> Response:
    """Sums for each provider."""
    return json_response(await _health(call).by_provider(call.edition.clock.now()))


async def list_unhealthy(call: Call) -> Response:
    """Models that fail too often."""
    return json_response(await _health(call).unhealthy(read_query(UnhealthyQuery), call.edition.clock.now()))


async def show_provider(call: Call, provider: str) -> Response:
    """Sums of one provider."""
    return json_response(await _health(call).provider_summary(provider, call.edition.clock.now()))


async def show_model(call: Call, provider: str, model: str) -> Response:
    """One model at one provider."""
    return json_response(await _health(call).one(provider, model, call.edition.clock.now()))


def _health(call: Call) -> ModelHealth:
    edition = call.edition
    return ModelHealth(call.services.observation, edition.breakers, edition.catalog, edition.settings.providers)


_BASE: Final = "/v1/model-health"

ROUTES: Final = (
    Route(method="GET", path=_BASE, handler=list_models, guard="optional", query=ListQuery),
    Route(method="GET", path=f"{_BASE}/stats", handler=show_stats, guard="optional"),
    Route(method="GET", path=f"{_BASE}/providers", handler=list_providers, guard="optional"),
    Route(method="GET", path=f"{_BASE}/unhealthy", handler=list_unhealthy, guard="optional", query=UnhealthyQuery),
    Route(method="GET", path=f"{_BASE}/provider/<provider>/summary", handler=show_provider, guard="optional"),
    Route(method="GET", path=f"{_BASE}/<provider>/<path:model>", handler=show_model, guard="optional"),
)
