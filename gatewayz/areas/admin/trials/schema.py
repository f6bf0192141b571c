"""What the trial reports take. Source: spec 07 §8."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["ConversionBody", "TrialSort", "UsersQuery"]

TrialSort = Literal["created_at", "trial_end_date", "requests", "tokens", "credits", "email"]


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/trial/users`."""

    status: Literal["active", "expired", "converted", "all"] = "all"
    sort_by: TrialSort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    domain_filter: Annotated[str, Meta(min_length=1, max_length=253)] | None = None


class ConversionBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/trial/save-conversion-metrics`."""

    user_id: Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)]
