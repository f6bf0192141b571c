"""Who is calling: one immutable value, built once for each key and kept in memory."""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

import msgspec

__all__ = ["ANONYMOUS", "NO_LIMITS", "Caller", "EnvironmentTag", "KeyLimits", "Network", "Role", "Scopes"]

Network = IPv4Network | IPv6Network
Role = str
"""A name of `config/roles.yaml`; `anonymous` and `admin` are known to the core."""
EnvironmentTag = Literal["live", "test", "staging", "development"]
Scopes = Mapping[str, tuple[str, ...]]
"""Action (`read`, `write`, `admin`) to what it is allowed on; `*` is everything, absent is nothing."""


class KeyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one key where its owner set any; None leaves the plan's value.

    Source: spec 00 §5.3.
    """

    requests_per_minute: int | None = None
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_hour: int | None = None
    tokens_per_day: int | None = None
    burst: int | None = None
    concurrency: int | None = None


NO_LIMITS: Final = KeyLimits()


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The bearer of a key, or nobody in particular (`ANONYMOUS`)."""

    user_id: int | None = None
    key_id: int | None = None
    email: str | None = None
    is_suspect: bool = False
    """Signed up with a temporary-mail address; a limit profile of its own holds."""
    role: Role = "anonymous"
    plan: str | None = None
    """Name of the plan; None has the table for users without one."""
    plan_ends_at: datetime | None = None
    """When the plan lapses; None is open-ended."""
    is_trial: bool = False
    trial_ends_at: datetime | None = None
    scopes: Scopes = {}
    is_primary: bool = False
    """The first key of its user; it may reveal the others."""
    environment_tag: EnvironmentTag = "live"
    ip_allowlist: tuple[Network, ...] = ()
    """Empty allows every address."""
    domain_referrers: tuple[str, ...] = ()
    """Host names in lower case; empty allows every page."""
    max_requests: int | None = None
    """Calls the key may make over its life."""
    requests_used: int = 0
    """As of the load; the limiter keeps the live count."""
    expires_at: datetime | None = None
    lets_answers_be_kept: bool | None = None
    """Whether the response cache may be used; None has not chosen."""
    limits: KeyLimits = NO_LIMITS

    @property
    def is_anonymous(self) -> bool:
        """True when no key was presented."""
        return self.key_id is None

    @property
    def is_admin(self) -> bool:
        """True for the role `admin`; a scope of that name does not make one."""
        return self.role == "admin"

    def may(self, action: str, resource: str) -> bool:
        """Return whether the key's scopes allow `action` on `resource`; empty scopes allow nothing."""
        allowed = self.scopes.get(action)
        return allowed is not None and ("*" in allowed or resource in allowed)

    def is_restricted(self) -> bool:
        """True when address or referrer must be looked at."""
        return bool(self.ip_allowlist or self.domain_referrers)


ANONYMOUS: Final = Caller()
