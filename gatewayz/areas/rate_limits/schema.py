"""What the rate-limit routes take. Source: spec 03 §5, 07 §3."""

from typing import Literal

import msgspec

from gatewayz.domain.limits.limit_values import LimitsBody

__all__ = ["AdminLimitBody", "UsageQuery"]


class AdminLimitBody(LimitsBody, frozen=True, kw_only=True):
    """`POST /admin/limit`."""

    api_key: str


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/rate-limits/usage/{key_id}`."""

    time_window: Literal["minute", "hour", "day"] = "minute"
