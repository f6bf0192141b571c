"""`/health`. Every answer is 200, but for an unknown name (404) or a bad parameter (400, 422). Source: spec 05 §3."""

from collections.abc import Sequence
from typing import Any, Final

from quart import Response

from gatewayz.areas.health import gateways, service, system
from gatewayz.areas.health.schema import DashboardQuery, GatewayQuery, ModelsQuery, UptimeQuery
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.health.readings import Component
from gatewayz.domain.health.shown import ModelStanding, ProviderStanding
from gatewayz.domain.health.standing import Standings
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_health(call: Call) -> Response:
    """The gateway itself (12.1.1)."""
    vitals = call.services.vitals
    database, redis = await vitals.database(), await vitals.redis()
    shown = system.show_health(
        database,
        redis,
        await _components(call),
        call.edition.clock.now(),
        are_limits_local=call.services.limiter.is_degraded,
    )
    return json_response(shown)


async def show_quick(call: Call) -> Response:
    """The process answers; nothing else is asked (12.1.2)."""
    return json_response({"status": "healthy", "timestamp": call.edition.clock.now()})


async def show_railway(call: Call) -> Response:
    """Database, Redis and providers in a few words (12.1.3)."""
    vitals = call.services.vitals
    database, redis = await vitals.database(), await vitals.redis()
    return json_response(system.show_railway(database, redis, await _standings(call), call.edition.clock.now()))


async def show_system(call: Call) -> Response:
    """Counts of everything, and what this process takes of its machine (12.1.4)."""
    standings = await _standings(call)
    return json_response(await system.show_system(call.services.vitals, standings, call.edition.clock.now()))


async def show_database(call: Call) -> Response:
    """The database (12.1.5)."""
    return json_response(system.show_database(await call.services.vitals.database(), call.edition.clock.now()))


async def show_components(call: Call) -> Response:
    """What each health check saw last."""
    return json_response(system.show_components(await _components(call), call.edition.clock.now()))


async def show_all(call: Call) -> Response:
    """Everything with its details (12.1.6)."""
    database = await call.services.vitals.database()
    return json_response(system.show_all(database, await _standings(call), call.edition.clock.now()))


async def show_summary(call: Call) -> Response:
    """Everything with the scores of providers (12.1.7)."""
    return json_response(system.show_summary(await _standings(call), call.edition.clock.now()))


async def show_uptime(call: Call) -> Response:
    """Requests of the last 24 hours that went well and that did not (12.1.8)."""
    day = await call.services.vitals.day()
    return json_response(system.show_uptime(day, await _standings(call), call.edition.clock.now()))


async def show_insights(call: Call) -> Response:
    """What is wrong, and what to do (12.1.9)."""
    standings = await _standings(call)
    off = gateways.unconfigured(_gateways(call), standings)
    return json_response(system.show_insights(standings, off, call.edition.clock.now()))


async def show_dashboard(call: Call) -> Response:
    """What a dashboard shows (12.1.10)."""
    day = await call.services.vitals.day()
    return json_response(system.show_dashboard(day, await _standings(call), call.edition.clock.now()))


async def list_providers(call: Call) -> Response:
    """Every provider with its score (12.2.1)."""
    query = read_query(GatewayQuery)
    standings = await _standings(call)
    return json_response(service.list_providers(_gateways(call), standings, query.gateway, call.edition.clock.now()))


async def show_provider(call: Call, provider: str) -> Response:
    """One provider (12.2.2)."""
    return json_response(service.one_provider(await _standings(call), provider))


async def show_provider_stats(call: Call) -> Response:
    """Counts over all providers (12.2.3)."""
    return json_response(service.provider_stats(await _standings(call), call.edition.clock.now()))


async def show_provider_uptime(call: Call) -> Response:
    """Providers over days (12.2.4)."""
    return json_response(await _uptime(call, "providers", read_query(UptimeQuery)))


async def list_models(call: Call) -> Response:
    """Every model at every provider it was called at (12.3.1)."""
    query = read_query(ModelsQuery)
    standings = await _standings(call)
    return json_response(service.list_models(_gateways(call), standings, query, call.edition.clock.now()))


async def show_model(call: Call, model_id: str) -> Response:
    """One model over all its providers (12.3.2)."""
    return json_response((await _standings(call)).model(model_id))


async def show_model_stats(call: Call) -> Response:
    """Counts over all models."""
    return json_response(service.model_stats(await _standings(call), call.edition.clock.now()))


async def show_model_uptime(call: Call) -> Response:
    """Models over days."""
    return json_response(await _uptime(call, "models", read_query(UptimeQuery)))


async def list_gateways(call: Call) -> Response:
    """Every gateway, configured or not (12.4.1)."""
    standings = await _standings(call)
    checks = await _components(call)
    return json_response(gateways.show_gateways(_gateways(call), standings, checks, call.edition.clock.now()))


async def show_gateway_uptime(call: Call) -> Response:
    """Gateways over days."""
    return json_response(await _uptime(call, "gateways", read_query(UptimeQuery)))


async def show_dashboard_data(call: Call) -> Response:
    """What the page of gateways shows (12.4.3)."""
    read_query(DashboardQuery)
    standings = await _standings(call)
    checks = await _components(call)
    return json_response(gateways.show_dashboard_data(_gateways(call), standings, checks, call.edition.clock.now()))


async def show_gateway(call: Call, gateway: str) -> Response:
    """One gateway, and how it stands with its model list (12.4.4)."""
    known = _gateways(call)
    name = known.named(gateway)
    if name is None:
        raise ResourceNotFound(f"there is no gateway {gateway[:80]!r}", param="gateway")
    lists = await call.services.vitals.lists()
    standings, checks = await _standings(call), await _components(call)
    shown = gateways.show_gateway(known, name, standings, checks, lists=lists, now=call.edition.clock.now())
    return json_response(shown)


async def _components(call: Call) -> Sequence[Component]:
    entries = call.edition.settings.health
    return await call.services.readings.components({name: entries[name] for name in call.edition.health})


async def _standings(call: Call) -> Standings:
    edition = call.edition
    return await call.services.vitals.standings(
        edition.catalog, edition.breakers, edition.providers, edition.settings.providers
    )


def _gateways(call: Call) -> Gateways:
    return Gateways(call.edition.settings.providers, call.edition.catalog)


async def _uptime(call: Call, what: service.Kind, query: UptimeQuery) -> dict[str, Any]:
    edition = call.edition
    rules = edition.settings.observation.conditions
    return await service.show_uptime(call.services.vitals.uptime, what, query, rules, edition.clock.now())


_H: Final = "/health"

ROUTES: Final = (
    Route(method="GET", path=_H, handler=show_health, guard="public"),
    Route(method="GET", path=f"{_H}/quick", handler=show_quick, guard="public"),
    Route(method="GET", path=f"{_H}/railway", handler=show_railway, guard="public"),
    Route(method="GET", path=f"{_H}/system", handler=show_system, guard="public"),
    Route(method="GET", path=f"{_H}/database", handler=show_database, guard="public"),
    Route(method="GET", path=f"{_H}/components", handler=show_components, guard="public"),
    Route(method="GET", path=f"{_H}/all", handler=show_all, guard="public"),
    Route(method="GET", path=f"{_H}/summary", handler=show_summary, guard="public"),
    Route(method="GET", path=f"{_H}/uptime", handler=show_uptime, guard="public"),
    Route(method="GET", path=f"{_H}/insights", handler=show_insights, guard="public"),
    Route(method="GET", path=f"{_H}/dashboard", handler=show_dashboard, guard="public"),
    Route(method="GET", path=f"{_H}/providers", handler=list_providers, guard="public", query=GatewayQuery),
    Route(method="GET", path=f"{_H}/providers/stats", handler=show_provider_stats, guard="public"),
    Route(method="GET", path=f"{_H}/providers/uptime", handler=show_provider_uptime, guard="public", query=UptimeQuery),
    Route(
        method="GET",
        path=f"{_H}/provider/<provider>",
        handler=show_provider,
        guard="public",
        answer=ProviderStanding,
    ),
    Route(method="GET", path=f"{_H}/models", handler=list_models, guard="public", query=ModelsQuery),
    Route(method="GET", path=f"{_H}/models/stats", handler=show_model_stats, guard="public"),
    Route(method="GET", path=f"{_H}/models/uptime", handler=show_model_uptime, guard="public", query=UptimeQuery),
    Route(method="GET", path=f"{_H}/model/<path:model_id>", handler=show_model, guard="public", answer=ModelStanding),
    Route(method="GET", path=f"{_H}/gateways", handler=list_gateways, guard="public"),
    Route(method="GET", path=f"{_H}/gateways/uptime", handler=show_gateway_uptime, guard="public", query=UptimeQuery),
    Route(
        method="GET",
        path=f"{_H}/gateways/dashboard/data",
        handler=show_dashboard_data,
        guard="public",
        query=DashboardQuery,
    ),
    Route(method="GET", path=f"{_H}/<gateway>", handler=show_gateway, guard="public"),
)
"""The last one is found last: Werkzeug tries fixed paths before those with a variable."""
