"""`/admin/downtime`. Source: spec 07 §9 (cases 24.9.1 to 24.9.3)."""

from datetime import timedelta
from typing import Final

from quart import Response

from gatewayz.areas.admin.downtime import service
from gatewayz.areas.admin.downtime.schema import IncidentsQuery, ResolveBody, StatisticsQuery
from gatewayz.sdk.errors import Conflict, ResourceNotFound
from gatewayz.store.downtime_records import DowntimeFilter, Incident
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_incidents(call: Call) -> Response:
    """Incidents, the newest first (24.9.1)."""
    query = read_query(IncidentsQuery)
    wanted = DowntimeFilter(status=query.status, severity=query.severity, environment=query.environment)
    store, now = call.services.store.downtime, call.services.clock.now()
    counts = await store.count_incidents(wanted)
    found = await store.list_incidents(wanted, query.limit)
    return json_response(
        {
            "status": "success",
            "total_incidents": sum(counts.values()),
            "ongoing": counts.get("ongoing", 0),
            "resolved": counts.get("resolved", 0),
            "incidents": [service.show_incident(each, now) for each in found],
        }
    )


async def list_ongoing(call: Call) -> Response:
    """Incidents that go on (24.9.2)."""
    now = call.services.clock.now()
    found = await call.services.store.downtime.list_incidents(DowntimeFilter(status="ongoing"), service.MOST)
    shown = [service.show_incident(each, now) for each in found]
    return json_response({"status": "success", "count": len(shown), "incidents": shown})


async def show_statistics(call: Call) -> Response:
    """Sums over a period (24.9.3)."""
    days, now = read_query(StatisticsQuery).days, call.services.clock.now()
    wanted = DowntimeFilter(ended_after=now - timedelta(days=days))
    found = await call.services.store.downtime.list_incidents(wanted, service.MOST)
    sums = service.statistics(found, days, now)
    return json_response({"status": "success", "period_days": days, "statistics": sums})


async def show_incident(call: Call, incident_id: int) -> Response:
    """One incident."""
    shown = service.show_incident(await _found(call, incident_id), call.services.clock.now())
    return json_response({"status": "success", "incident": shown})


async def show_analysis(call: Call, incident_id: int) -> Response:
    """The traffic before and during an incident."""
    incident, now = await _found(call, incident_id), call.services.clock.now()
    analysis = await service.analyse(incident, call.services.observation, now)
    return json_response({"status": "success", "incident_id": incident.id, "analysis": analysis})


async def resolve(call: Call, incident_id: int) -> Response:
    """End an incident by hand."""
    body = await read_json(ResolveBody)
    await _found(call, incident_id)
    by = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    if not await call.services.store.downtime.end_incident(incident_id, call.services.clock.now(), by, body.notes):
        raise Conflict("The incident is over already.")
    return await show_incident(call, incident_id)


async def _found(call: Call, incident_id: int) -> Incident:
    found = await call.services.store.downtime.find_incident(incident_id)
    if found is None:
        raise ResourceNotFound("There is no such incident.", param="incident_id")
    return found


_BASE: Final = "/admin/downtime"
_ONE: Final = f"{_BASE}/incidents/<int(max=9007199254740991):incident_id>"

ROUTES: Final = (
    Route(method="GET", path=f"{_BASE}/incidents", handler=list_incidents, guard="admin", query=IncidentsQuery),
    Route(method="GET", path=f"{_BASE}/incidents/ongoing", handler=list_ongoing, guard="admin"),
    Route(method="GET", path=f"{_BASE}/statistics", handler=show_statistics, guard="admin", query=StatisticsQuery),
    Route(method="GET", path=_ONE, handler=show_incident, guard="admin"),
    Route(method="GET", path=f"{_ONE}/analysis", handler=show_analysis, guard="admin"),
    Route(method="POST", path=f"{_ONE}/resolve", handler=resolve, guard="admin", body=ResolveBody),
)
