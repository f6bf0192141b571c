"""What the allowlist routes take. Source: spec 07 §1."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.web.moments import check_moments

__all__ = ["CheckBody", "EntriesQuery", "EntryBody", "EntryEdits"]

Address = Annotated[str, Meta(min_length=1, max_length=64)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Moment = Annotated[datetime, Meta(tz=True)]
UserId = Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)]


class EntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /api/admin/ip-whitelist`."""

    ip_address: Address
    """An address or a CIDR range."""
    reason: Reason
    user_id: UserId | None = None
    expires_at: Moment | None = None
    metadata: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class EntryEdits(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT` and `PATCH /api/admin/ip-whitelist/{entry_id}`: what is left out stays."""

    enabled: bool | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class CheckBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /api/admin/ip-whitelist/check`."""

    ip_address: Address
    user_id: UserId | None = None


class EntriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/admin/ip-whitelist`."""

    user_id: UserId | None = None
    enabled_only: bool = True
    include_expired: bool = False
