"""`/plans`, `/subscription/plans`, `/trial/status`. Source: spec 03 §6 (cases 8.5.1 to 8.5.4)."""

from typing import Final

from quart import Response

from gatewayz.areas.plans.service import show_plan, show_subscription_plans, show_trial
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_plans(call: Call) -> Response:
    """The plans on offer."""
    return json_response([show_plan(plan) for plan in call.edition.plans.offered()])


async def find_plan(call: Call, plan_id: int) -> Response:
    """One plan."""
    for plan in call.edition.plans.offered():
        if plan.id == plan_id:
            return json_response(show_plan(plan))
    raise ResourceNotFound("There is no such plan.", code="PLAN_NOT_FOUND", param="plan_id")


async def list_subscription_plans(call: Call) -> Response:
    """The plans on offer, and what a trial gives."""
    return json_response(show_subscription_plans(call.edition.plans.offered(), call.edition.settings.plans.trial))


async def show_trial_status(call: Call) -> Response:
    """The caller's trial as of now."""
    services = call.services
    user = await services.store.users.find_user(call.user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
    state = await services.promotions.trials.state(user, call.edition.settings.plans.trial)
    balances = await services.ledger.balances(call.user_id)
    return json_response(show_trial(state, balances.trial))


ROUTES: Final = (
    Route(method="GET", path="/plans", handler=list_plans, guard="public"),
    Route(method="GET", path="/plans/<int(max=9007199254740991):plan_id>", handler=find_plan, guard="public"),
    Route(method="GET", path="/subscription/plans", handler=list_subscription_plans, guard="public"),
    Route(method="GET", path="/trial/status", handler=show_trial_status, guard="user"),
)
