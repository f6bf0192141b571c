"""What signing in takes. Source: spec 03 §1."""

from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["RegisterBody", "ResetQuery", "ResetRequestQuery", "SignInBody"]


class LinkedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A hint of what the person has; only the token's own claims are believed."""

    type: str
    email: str | None = None
    address: str | None = None


class SignInUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who the caller says it is; must be the token's subject."""

    id: str
    created_at: int
    linked_accounts: Sequence[LinkedAccount] = ()
    mfa_methods: Sequence[Any] = ()
    has_accepted_terms: bool = False
    is_guest: bool = False


class SignInBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /auth`."""

    user: SignInUser
    token: str | None = None
    privy_access_token: str | None = None
    email: str | None = None
    referral_code: str | None = None
    environment_tag: str | None = None
    auto_create_api_key: bool | None = None


class RegisterBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /auth/register`."""

    username: str
    email: str
    auth_method: str = "email"
    environment_tag: str = "live"
    key_name: str = "Primary Key"
    referral_code: str | None = None


class ResetRequestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /auth/password-reset`."""

    email: str


class ResetQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /auth/reset-password`."""

    token: str
