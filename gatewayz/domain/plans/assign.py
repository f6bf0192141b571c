"""Giving a user a plan for some months."""

import calendar
from datetime import datetime
from typing import TYPE_CHECKING

from gatewayz.domain.plans.plans import Plans
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.store.plan_records import PlanAssignment

if TYPE_CHECKING:
    from gatewayz.store.sql.plans import SqlPlanStore

__all__ = ["add_months", "assign_plan"]


async def assign_plan(
    store: "SqlPlanStore", plans: Plans, user_id: int, plan_id: int, *, months: int, assigned_by: str, now: datetime
) -> PlanAssignment:
    """Put a plan in force from now. Raises ResourceNotFound for an unknown user or plan."""
    plan = plans.find(plan_id)
    if plan is None or plan.key is None:
        raise ResourceNotFound("There is no such plan.", code="PLAN_NOT_FOUND", param="plan_id")
    ends_at = add_months(now, months)
    assigned = await store.assign(user_id, plan.key, ends_at=ends_at, assigned_by=assigned_by, now=now)
    if assigned is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    return assigned


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day some months later, or the last of that month when it is shorter."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
