"""The six values of a key's limits, as its owner or an administrator may choose them. Source: spec 03 §5."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["LimitValues", "LimitsBody"]

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
