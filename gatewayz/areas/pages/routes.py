"""`/health/gateways/dashboard` with what it asks for while it is open, and `/status`. Source: spec 05 §3.4, §6."""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final

import msgspec
from quart import Response, request

from gatewayz.areas.pages.dashboard import show_dashboard
from gatewayz.areas.pages.plots import Plots, plots_of
from gatewayz.areas.pages.schema import DashboardPageQuery, StatusPageQuery
from gatewayz.areas.pages.status import SPANS, components_of, seen_over
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.health.standing import Standings
from gatewayz.domain.status.shown import shown_incident
from gatewayz.store.incident_records import IncidentFilter
from gatewayz.web.pages import Page, PageCache
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response
from gatewayz.web.templating import html_response, render

__all__ = ["ROUTES"]

_INCIDENTS: Final = 20
"""How many the status page shows, the newest."""
_PAGES: Final = PageCache(4 * 1024 * 1024)
"""What was made within the same second: however many look, it is made once."""


async def show_dashboard_page(call: Call) -> Response:
    """The dashboard, a page for people (12.4.2)."""
    read_query(DashboardPageQuery)
    return await _dashboard(call, "dashboard.html")


async def show_dashboard_part(call: Call) -> Response:
    """The part of the dashboard that changes."""
    return await _dashboard(call, "dashboard_live.html")


async def show_dashboard_series(call: Call) -> Response:
    """The last hour minute by minute, for the plots of the dashboard."""
    view, now = call.services.observation, call.services.clock.now()
    body = _kept("series", now, lambda: msgspec.json.encode(plots_of(view.recent_series(), now)))
    response = json_response(body)
    response.headers["cache-control"] = "no-store"
    return response


async def show_status_page(call: Call) -> Response:
    """The public status page; for who asks for JSON, that of `/v1/status`."""
    query, catalog = read_query(StatusPageQuery), call.edition.catalog
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        return json_response(await call.services.status.overall(catalog))
    edition, now = call.edition, call.services.clock.now()
    gateways = Gateways(edition.settings.providers, catalog)
    seen = await seen_over(query.period, call.services.vitals.uptime, call.services.status)
    components = components_of(
        await call.services.status.providers(catalog, lambda name: gateways.display(name).name),
        seen or {},
        SPANS[query.period],
        now=now,
        rules=edition.settings.observation.conditions,
        search=query.q,
    )
    newest = await call.services.incidents.list_newest(IncidentFilter(), _INCIDENTS)
    html = render(
        "status.html",
        overall=await call.services.status.overall(catalog),
        components=components,
        has_history=seen is not None,
        incidents=[shown_incident(each, now) for each in newest],
        names={each.provider: gateways.display(each.provider).name for each in newest},
        query=query,
        span=SPANS[query.period],
        spans=SPANS,
    )
    response = html_response(html.encode())
    response.headers["vary"] = "accept"
    return response


async def _dashboard(call: Call, template: str) -> Response:
    edition, vitals, now = call.edition, call.services.vitals, call.services.clock.now()
    standings, database, origin = await _standings(call), await vitals.database(), request.host_url.rstrip("/")
    gateways = Gateways(edition.settings.providers, edition.catalog)

    def make() -> bytes:
        board = show_dashboard(
            call.services.observation,
            standings,
            breakers=edition.breakers.views(),
            gateways=gateways,
            now=now,
            example=next((model.id for model in edition.catalog.models()), None),
        )
        active = call.services.incidents.active()
        return render(
            template,
            board=board,
            database_up=database.is_up,
            uptime_s=vitals.uptime_s,
            incidents=[shown_incident(each, now) for each in reversed(active)],
            names={each.provider: gateways.display(each.provider).name for each in active},
            origin=origin,
        ).encode()

    return html_response(_kept((template, origin), now, make))


def _kept(key: Hashable, now: datetime, make: Callable[[], bytes]) -> bytes:
    page, _ = _PAGES.page(key, int(now.timestamp()), lambda: Page(make(), ""))
    return page.body


async def _standings(call: Call) -> Standings:
    edition = call.edition
    return await call.services.vitals.standings(
        edition.catalog, edition.breakers, edition.providers, edition.settings.providers
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/health/gateways/dashboard",
        handler=show_dashboard_page,
        guard="public",
        query=DashboardPageQuery,
        content_type="text/html",
    ),
    Route(
        method="GET",
        path="/health/gateways/dashboard/live",
        handler=show_dashboard_part,
        guard="public",
        content_type="text/html",
    ),
    Route(
        method="GET",
        path="/health/gateways/dashboard/series",
        handler=show_dashboard_series,
        guard="public",
        answer=Plots,
    ),
    Route(
        method="GET",
        path="/status",
        handler=show_status_page,
        guard="public",
        query=StatusPageQuery,
        content_type="text/html",
    ),
)
