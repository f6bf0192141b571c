"""What the store keeps, as values. Moments are timezone-aware UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "USAGE_COLUMNS",
    "ApiKey",
    "AuditEntry",
    "AuditFilter",
    "IdentityChange",
    "KeyChanges",
    "KeyHolder",
    "KeyQuota",
    "KeyUse",
    "NewKey",
    "NewUser",
    "Sealed",
    "UsageRow",
    "User",
    "UserChanges",
]


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """Compared by value."""


class NewUser(_Record, frozen=True, kw_only=True):
    """A user to be made."""

    email: str
    role: str = "user"
    plan: str | None = None
    trial_ends_at: datetime | None = None


class User(_Record, frozen=True, kw_only=True):
    """A user."""

    id: int
    email: str
    role: str
    plan: str | None
    is_active: bool
    trial_ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    plan_ends_at: datetime | None = None
    """When the plan lapses; None is open-ended."""


class UserChanges(_Record, frozen=True, kw_only=True):
    """What to change of a user; what is UNSET stays."""

    email: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    plan: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    plan_ends_at: datetime | UnsetType | None = UNSET
    trial_ends_at: datetime | UnsetType | None = UNSET


class Sealed(_Record, frozen=True, kw_only=True):
    """A key as it is kept: never its text."""

    lookup_hash: bytes
    """HMAC-SHA256 of the key, 32 bytes."""
    ciphertext: bytes
    cipher_version: int
    last_four: str


class NewKey(_Record, frozen=True, kw_only=True):
    """A key to be made."""

    user_id: int
    name: str
    environment_tag: str
    sealed: Sealed
    expires_at: datetime | None = None
    max_requests: int | None = None
    ip_allowlist: Sequence[str] = ()
    domain_referrers: Sequence[str] = ()
    scopes: Mapping[str, Sequence[str]] = {}
    limits: Mapping[str, int] = {}


class KeyQuota(_Record, frozen=True, kw_only=True):
    """How many keys one actor may make for a user since a moment."""

    count: int
    since: datetime
    window_s: float


class ApiKey(NewKey, frozen=True, kw_only=True):
    """A key."""

    id: int
    is_active: bool
    is_primary: bool
    """The first key of its user, or the first made after that one was revoked."""
    revoked_at: datetime | None
    requests_used: int
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


class KeyChanges(_Record, frozen=True, kw_only=True):
    """What to change of a key; what is UNSET stays."""

    name: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_primary: bool | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    max_requests: int | UnsetType | None = UNSET
    ip_allowlist: Sequence[str] | UnsetType = UNSET
    domain_referrers: Sequence[str] | UnsetType = UNSET
    scopes: Mapping[str, Sequence[str]] | UnsetType = UNSET
    limits: Mapping[str, int] | UnsetType = UNSET
    revoked_at: datetime | UnsetType | None = UNSET
    sealed: Sealed | UnsetType = UNSET
    """Another secret for the same key (rotation)."""


class KeyHolder(_Record, frozen=True, kw_only=True):
    """A key and whose it is."""

    user: User
    key: ApiKey
    is_suspect: bool = False
    """The user signed up with a temporary-mail address."""
    settings: Mapping[str, Any] = {}
    """What the user has chosen."""


class IdentityChange(_Record, frozen=True, kw_only=True):
    """Somebody whose cached identity is out of date; `user_id` None: everybody's."""

    revision: int
    user_id: int | None


class KeyUse(_Record, frozen=True, kw_only=True):
    """What a key did since the last report."""

    key_id: int
    requests: int
    last_used_at: datetime


class AuditEntry(_Record, frozen=True, kw_only=True):
    """What was done to a key."""

    id: int
    user_id: int
    key_id: int | None
    actor: str
    action: str
    details: Mapping[str, Any]
    created_at: datetime


class AuditFilter(_Record, frozen=True, kw_only=True):
    """Which entries are wanted; None is any."""

    key_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


UsageRow = tuple[Any, ...]
"""Values of one usage row, in the order of `USAGE_COLUMNS`."""

USAGE_COLUMNS: Final = (
    "id",
    "request_id",
    "user_id",
    "key_id",
    "operation",
    "requested_model",
    "model",
    "provider",
    "upstream_model",
    "status",
    "error_code",
    "is_stream",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "images",
    "usage_source",
    "cost_nano",
    "charged_nano",
    "attempts",
    "duration_ms",
    "first_content_ms",
    "candidates",
    "reason",
    "rates",
    "audio_ms",
    "characters",
    "cache",
    "saved_nano",
    "app",
    "app_url",
)
