"""Addresses that the network limiter passes over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["AllowlistChanges", "AllowlistEntry", "AllowlistFilter"]


class AllowlistEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One address or range."""

    id: str
    """A UUID."""
    network: str
    """In canonical form; a single address has no prefix length."""
    user_id: int | None
    """For whose requests alone; None is everybody's."""
    reason: str
    created_by: str
    is_enabled: bool
    expires_at: datetime | None
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


class AllowlistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; `expires_after` leaves out those that ended at that moment or before."""

    user_id: int | None = None
    is_enabled: bool | None = None
    expires_after: datetime | None = None


class AllowlistChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out stays."""

    is_enabled: bool | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    metadata: Mapping[str, Any] | UnsetType = UNSET
