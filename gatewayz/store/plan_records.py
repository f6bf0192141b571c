"""Who was given which plan."""

from datetime import datetime

import msgspec

__all__ = ["PlanAssignment"]


class PlanAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that a user was given; `ends_at` None is open-ended."""

    id: int
    user_id: int
    plan: str
    starts_at: datetime
    ends_at: datetime | None
    assigned_by: str
