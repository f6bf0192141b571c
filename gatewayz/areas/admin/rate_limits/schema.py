"""What the rate-limit routes of administrators take. Source: spec 07 §3."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.domain.limits.limit_values import LimitsBody

__all__ = ["KeyLimitsBody", "KeyName", "UsersQuery"]

KeyId = Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)]


class KeyName(msgspec.Struct, frozen=True, kw_only=True):
    """Which key: by its id, or by its text."""

    key_id: KeyId | None = None
    api_key: str | None = None


class KeyLimitsBody(LimitsBody, frozen=True, kw_only=True):
    """Which key, and any of the six values, flat or wrapped."""

    key_id: KeyId | None = None
    api_key: str | None = None


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/rate-limits/users`."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    offset: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
