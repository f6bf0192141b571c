"""`/availability`. Ids contain slashes. Source: spec 02 §2 (4.8.1 to 4.8.7)."""

from datetime import datetime, timedelta
from typing import Final

from quart import Response

from gatewayz.areas.availability.schema import ListQuery, MaintenanceBody
from gatewayz.areas.availability.service import ModelAvailability
from gatewayz.sdk.errors import Conflict, InvalidRequest, ResourceNotFound
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_models(call: Call) -> Response:
    """Every model at every provider, as a bare list."""
    return json_response(await _availability(call).list_offers(read_query(ListQuery)))


async def show_model(call: Call, model_id: str) -> Response:
    """One model over all its providers."""
    return json_response(_availability(call).model(model_id))


async def show_summary(call: Call) -> Response:
    """Counts by status, and by provider."""
    return json_response(_availability(call).summary(call.edition.clock.now()))


async def show_status(call: Call) -> Response:
    """One word for everything."""
    return json_response(_availability(call).status(call.edition.clock.now()))


async def check_model(call: Call, model_id: str) -> Response:
    """Whether a model can be called; 200 for unknown ones too."""
    return json_response(_availability(call).check(model_id))


async def show_fallback(call: Call, model_id: str) -> Response:
    """What can be taken instead."""
    return json_response(_availability(call).fallback(model_id))


async def show_best(call: Call, model_id: str) -> Response:
    """Where a call is best sent."""
    return json_response(_availability(call).best(model_id))


async def announce_maintenance(call: Call, model_id: str) -> Response:
    """Announce maintenance of a model; calls to it go on."""
    model = _availability(call).find(model_id)
    body = await read_json(MaintenanceBody, default=MaintenanceBody())
    until = _end(body, call.edition.clock.now())
    actor = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    entry = await call.services.maintenance.announce(model.id, until, body.reason, actor)
    return json_response(
        {
            "success": True,
            "model_id": entry.model,
            "status": "maintenance",
            "maintenance_until": None if entry.until is None else entry.until.isoformat(),
            "reason": entry.reason,
        }
    )


async def end_maintenance(call: Call, model_id: str) -> Response:
    """Take an announcement back."""
    model = _availability(call).find(model_id)
    if not await call.services.maintenance.take_back(model.id):
        raise ResourceNotFound(f"no maintenance of {model.id!r} is announced", param="model_id")
    return json_response({"success": True, "model_id": model.id, "message": "The maintenance is over."})


async def start_monitoring(call: Call) -> Response:
    """Say that traffic is observed: it always is."""
    return json_response({"success": True, "monitoring_active": True, "message": "Traffic is always observed."})


async def stop_monitoring(call: Call) -> Response:
    """Refuse: what is shown comes from traffic itself."""
    raise Conflict("traffic is always observed; probes are switched off in the configuration (`health`)")


def _availability(call: Call) -> ModelAvailability:
    return ModelAvailability(call.edition, call.services.observation, call.services.maintenance)


def _end(body: MaintenanceBody, now: datetime) -> datetime | None:
    if body.until is not None and body.duration_minutes is not None:
        raise InvalidRequest("give 'until' or 'duration_minutes', not both", param="until")
    if body.duration_minutes is not None:
        return now + timedelta(minutes=body.duration_minutes)
    if body.until is None:
        return None
    if body.until.tzinfo is None or body.until <= now:
        raise InvalidRequest("'until' is a moment to come, with a time zone", param="until")
    return body.until


_BASE: Final = "/availability"

ROUTES: Final = (
    Route(method="GET", path=f"{_BASE}/models", handler=list_models, guard="optional", query=ListQuery),
    Route(method="GET", path=f"{_BASE}/summary", handler=show_summary, guard="optional"),
    Route(method="GET", path=f"{_BASE}/status", handler=show_status, guard="optional"),
    Route(method="GET", path=f"{_BASE}/model/<path:model_id>", handler=show_model, guard="optional"),
    Route(method="GET", path=f"{_BASE}/check/<path:model_id>", handler=check_model, guard="optional"),
    Route(method="GET", path=f"{_BASE}/fallback/<path:model_id>", handler=show_fallback, guard="optional"),
    Route(method="GET", path=f"{_BASE}/best/<path:model_id>", handler=show_best, guard="optional"),
    Route(
        method="POST",
        path=f"{_BASE}/maintenance/<path:model_id>",
        handler=announce_maintenance,
        guard="admin",
        body=MaintenanceBody,
    ),
    Route(method="DELETE", path=f"{_BASE}/maintenance/<path:model_id>", handler=end_maintenance, guard="admin"),
    Route(method="POST", path=f"{_BASE}/monitoring/start", handler=start_monitoring, guard="admin"),
    Route(method="POST", path=f"{_BASE}/monitoring/stop", handler=stop_monitoring, guard="admin"),
)
