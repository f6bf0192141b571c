"""What the rate-limit routes take. Source: spec 03 §5, 07 §3."""

import msgspec

from gatewayz.domain.limits.limit_values import LimitsBody
from gatewayz.domain.limits.profiles import WINDOWS_MS
from gatewayz.sdk.errors import InvalidRequest

__all__ = ["AdminLimitBody", "UsageQuery"]


class AdminLimitBody(LimitsBody, frozen=True, kw_only=True):
    """`POST /admin/limit`."""

    api_key: str


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/rate-limits/usage/{key_id}`."""

    time_window: str = "minute"

    def window(self) -> str:
        """Return the window. Raises InvalidRequest: the specification answers 400 here, not the 422 of schemas."""
        if self.time_window not in WINDOWS_MS:
            raise InvalidRequest(f"The time window is one of {', '.join(WINDOWS_MS)}.", param="time_window")
        return self.time_window
