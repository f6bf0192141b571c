"""`/admin/assign-plan`. Source: spec 07 §3 (case 24.3.5)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.plans.schema import AssignBody, HistoryQuery
from gatewayz.domain.plans.assign import assign_plan
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def assign(call: Call) -> Response:
    """Give a user a plan."""
    body = await read_json(AssignBody)
    now = call.services.clock.now()
    actor = "admin" if call.caller.user_id is None else f"user:{call.caller.user_id}"
    assigned = await assign_plan(
        call.services.store.plans,
        call.edition.plans,
        body.user_id,
        body.plan_id,
        months=body.duration_months,
        assigned_by=actor,
        now=now,
    )
    await call.services.authenticator.catch_up()
    return json_response(
        {
            "status": "success",
            "message": f"The plan '{assigned.plan}' is in force.",
            "user_id": assigned.user_id,
            "plan_id": body.plan_id,
            "duration_months": body.duration_months,
            "ends_at": assigned.ends_at,
            "timestamp": now,
        }
    )


async def list_assignments(call: Call) -> Response:
    """Which plans a user was given, newest first."""
    query = read_query(HistoryQuery)
    found = await call.services.store.plans.list_assignments(query.user_id, query.limit)
    return json_response({"status": "success", "assignments": found, "timestamp": call.services.clock.now()})


ROUTES: Final = (
    Route(method="POST", path="/admin/assign-plan", handler=assign, guard="admin", body=AssignBody),
    Route(method="GET", path="/admin/plan-assignments", handler=list_assignments, guard="admin", query=HistoryQuery),
)
