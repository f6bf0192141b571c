"""Profiles, identities and roles, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.store.records import User

__all__ = [
    "Account",
    "KindCount",
    "NewAccount",
    "Profile",
    "ProfileChanges",
    "RoleChange",
    "SignedIn",
    "UserFilter",
    "public_email",
]

NOWHERE = "@identity.invalid"
"""Domain of the addresses that stand in for none (RFC 2606)."""


def public_email(email: str) -> str | None:
    """Return an address as people see it, None for one that stands in for none."""
    return None if email.endswith(NOWHERE) else email


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account to be made for somebody who signs in or registers."""

    username: str
    """The wished one; a taken one gets a suffix, or is refused, as `must_keep_username` says."""
    must_keep_username: bool = False
    email: str | None = None
    is_email_verified: bool = False
    auth_method: str = "email"
    name: str | None = None
    phone_number: str | None = None
    is_suspect: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of themself."""

    username: str
    name: str | None = None
    auth_method: str = "email"
    phone_number: str | None = None
    is_email_verified: bool = True
    is_suspect: bool = False
    preferences: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}


class ProfileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is UNSET stays."""

    email: str | UnsetType = UNSET
    username: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    preferences: Mapping[str, Any] | UnsetType = UNSET
    settings: Mapping[str, Any] | UnsetType = UNSET


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Whose identity it is."""

    user: User
    profile: Profile
    is_new: bool
    is_founder: bool
    """The account was made for this identity."""


class RoleChange(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the audit of roles."""

    id: int
    user_id: int
    previous_role: str
    new_role: str
    changed_by: str
    reason: str | None
    created_at: datetime


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user as lists show one."""

    user: User
    profile: Profile
    spendable: int
    """Nano-dollars."""
    subscription: str | None
    """Status of the subscription, None without one."""
    primary_key: tuple[str, str] | None
    """Environment tag and last four characters."""


class KindCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many users are alike, and what they can spend in all, in nano-dollars."""

    role: str
    is_active: bool
    status: str
    users: int
    spendable: int


class UserFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which users are wanted; None is any."""

    email: str | None = None
    """Part of the address, without case."""
    user_id: int | None = None
    is_active: bool | None = None
    role: str | None = None
