"""`/v1/status`, and the same without `/v1`. Source: spec 05 §6 (15.1 to 15.9); docs/status.md.

`/status` itself is a page for people; its JSON is `/v1/status`. Models contain slashes.
"""

from typing import Final

from quart import Response

from gatewayz.areas.status import service
from gatewayz.areas.status.schema import (
    HistoryQuery,
    IncidentQuery,
    NotesBody,
    OfferQuery,
    ResolveBody,
    SearchQuery,
)
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.status.shown import IncidentShown, Overall, shown_incident
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_status(call: Call) -> Response:
    """One word for everything, and what it rests on."""
    shown = await call.services.status.overall(call.edition.catalog)
    database = await call.services.vitals.database()
    return json_response(shown if database.is_up else service.without_database(shown))


async def show_details(call: Call) -> Response:
    """Work in progress, circuit breakers, database and cache."""
    database, redis = await call.services.vitals.database(), await call.services.vitals.redis()
    requests = call.services.requests
    return json_response(
        {
            "timestamp": call.services.clock.now(),
            "concurrency": service.concurrency(requests.working, requests.in_progress, call.edition.settings.server),
            "circuit_breakers": service.circuit_summary(call.edition.breakers.views()),
            "infrastructure": service.infrastructure(database, redis),
        }
    )


async def list_providers(call: Call) -> Response:
    """Every provider that serves models, as a bare list."""
    edition = call.edition
    gateways = Gateways(edition.settings.providers, edition.catalog)
    return json_response(
        await call.services.status.providers(edition.catalog, lambda name: gateways.display(name).name)
    )


async def list_models(call: Call) -> Response:
    """Every model at every provider, those used most first, as a bare list."""
    query, edition = read_query(OfferQuery), call.edition
    fits = service.filter_of(edition.catalog, query)
    rows = await call.services.status.offers(
        edition.catalog, edition.breakers, limit=query.limit, offset=query.offset, fits=fits
    )
    return json_response([service.listed(row) for row in rows])


async def show_model(call: Call, provider: str, model_id: str) -> Response:
    """One model at one provider."""
    edition = call.edition
    offered = service.named_offer(edition.catalog, provider, model_id)
    return json_response(await call.services.status.offer(edition.catalog, edition.breakers, offered))


async def list_incidents(call: Call) -> Response:
    """Incidents, newest first, as a bare list."""
    query = read_query(IncidentQuery)
    wanted = service.incident_filter(call.edition.catalog, query)
    found, now = await call.services.incidents.list_newest(wanted, query.limit), call.services.clock.now()
    return json_response([shown_incident(each, now) for each in found])


async def annotate_incident(call: Call, incident_id: int) -> Response:
    """Say something about an incident."""
    body = await read_json(NotesBody)
    incident = await call.services.incidents.annotate(incident_id, body.resolution_notes)
    return json_response(shown_incident(incident, call.services.clock.now()))


async def resolve_incident(call: Call, incident_id: int) -> Response:
    """End an incident; another one begins with the next failure only."""
    body = await read_json(ResolveBody, default=ResolveBody())
    actor = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    incident = await call.services.incidents.resolve(incident_id, body.resolution_notes, actor)
    return json_response(shown_incident(incident, call.services.clock.now()))


async def show_history(call: Call, provider: str, model_id: str) -> Response:
    """One model at one provider, hour by hour or day by day."""
    query, catalog = read_query(HistoryQuery), call.edition.catalog
    offered = service.named_offer(catalog, provider, model_id)
    call.services.status.check_known(catalog, offered)
    points = await call.services.status.history(offered, query.period)
    shown = {"provider": offered[0], "model": offered[1], "period": query.period, "data_points": points}
    return json_response(shown)


async def search(call: Call) -> Response:
    """Models and providers by a part of their names, as a bare list."""
    query, edition = read_query(SearchQuery), call.edition
    fits = service.matching(edition.catalog, query.q)
    rows = await call.services.status.offers(edition.catalog, edition.breakers, limit=query.limit, fits=fits)
    return json_response([service.found(row) for row in rows])


async def show_statistics(call: Call) -> Response:
    """How much is watched, and how much of it went well."""
    page = call.services.status
    tiers, checks = await page.tier_counts(call.edition.catalog), await page.checks()
    totals = await call.services.incidents.totals()
    return json_response(service.statistics(tiers, totals, checks, call.services.clock.now()))


_INCIDENT: Final = "/incidents/<int(max=9007199254740991):incident_id>"


def _routes(base: str) -> tuple[Route, ...]:
    return (
        Route(method="GET", path=f"{base}/", handler=show_status, guard="public", answer=Overall),
        Route(method="GET", path=f"{base}/detailed", handler=show_details, guard="public"),
        Route(method="GET", path=f"{base}/providers", handler=list_providers, guard="public"),
        Route(method="GET", path=f"{base}/models", handler=list_models, guard="public", query=OfferQuery),
        Route(method="GET", path=f"{base}/models/<provider>/<path:model_id>", handler=show_model, guard="public"),
        Route(method="GET", path=f"{base}/incidents", handler=list_incidents, guard="public", query=IncidentQuery),
        Route(
            method="PATCH",
            path=f"{base}{_INCIDENT}",
            handler=annotate_incident,
            guard="admin",
            body=NotesBody,
            answer=IncidentShown,
        ),
        Route(
            method="POST",
            path=f"{base}{_INCIDENT}/resolve",
            handler=resolve_incident,
            guard="admin",
            body=ResolveBody,
            answer=IncidentShown,
        ),
        Route(
            method="GET",
            path=f"{base}/uptime/<provider>/<path:model_id>",
            handler=show_history,
            guard="public",
            query=HistoryQuery,
        ),
        Route(method="GET", path=f"{base}/search", handler=search, guard="public", query=SearchQuery),
        Route(method="GET", path=f"{base}/stats", handler=show_statistics, guard="public"),
    )


ROUTES: Final = (*_routes("/v1/status"), *_routes("/status"))
