"""What the key routes take. Source: spec 03 §4."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.web.moments import check_moments

__all__ = ["AuditQuery", "KeyDeletion", "KeyUpdate", "ListQuery", "NewKeyBody"]


class NewKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/api-keys`."""

    key_name: str
    environment_tag: str = "live"
    scope_permissions: Mapping[str, Sequence[str]] | None = None
    expiration_days: int | None = None
    max_requests: int | None = None
    ip_allowlist: Sequence[str] | None = None
    domain_referrers: Sequence[str] | None = None
    action: Literal["create"] = "create"


class KeyUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /user/api-keys/{key_id}`: what is left out stays; null lifts a bound."""

    key_name: str | UnsetType = UNSET
    scope_permissions: Mapping[str, Sequence[str]] | UnsetType = UNSET
    expiration_days: int | UnsetType | None = UNSET
    max_requests: int | UnsetType | None = UNSET
    ip_allowlist: Sequence[str] | UnsetType | None = UNSET
    domain_referrers: Sequence[str] | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    action: Literal["update", "rotate", "bulk_rotate"] = "update"
    environment_tag: str | None = None
    """With `bulk_rotate`: only keys of this environment."""


class KeyDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /user/api-keys/{key_id}`; the body may be left out."""

    confirmation: str = "DELETE_KEY"


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/api-keys`."""

    reveal: bool = False


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/api-keys/audit-logs`; moments without a zone are UTC."""

    key_id: int | None = None
    action: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)
