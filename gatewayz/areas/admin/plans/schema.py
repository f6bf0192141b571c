"""What giving a plan takes. Source: spec 07 §3."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["AssignBody", "HistoryQuery"]

Id = Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)]


class AssignBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/assign-plan`."""

    user_id: Id
    plan_id: Id
    duration_months: Annotated[int, Meta(ge=1, le=120)] = 1


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/plan-assignments`."""

    user_id: Id
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
