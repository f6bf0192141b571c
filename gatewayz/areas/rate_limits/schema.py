"""What the rate-limit routes take. Source: spec 03 §5, 07 §3."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["AdminLimitBody", "LimitValues", "LimitsBody", "UsageQuery"]

Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class LimitValues(msgspec.Struct, frozen=True, kw_only=True):
    """Any of the six values; what is left out stays."""

    requests_per_minute: Count | None = None
    requests_per_hour: Count | None = None
    requests_per_day: Count | None = None
    tokens_per_minute: Count | None = None
    tokens_per_hour: Count | None = None
    tokens_per_day: Count | None = None


class LimitsBody(LimitValues, frozen=True, kw_only=True):
    """The values, flat or wrapped."""

    rate_limits: LimitValues | None = None


class AdminLimitBody(LimitsBody, frozen=True, kw_only=True):
    """`POST /admin/limit`."""

    api_key: str


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/rate-limits/usage/{key_id}`."""

    time_window: Literal["minute", "hour", "day"] = "minute"
