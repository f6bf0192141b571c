"""From what the store keeps of a key to the caller it stands for."""

from datetime import datetime
from typing import Any, Final

import msgspec

from gatewayz.domain.identity.caller import Caller, EnvironmentTag, KeyLimits
from gatewayz.domain.identity.restrictions import parse_networks
from gatewayz.sdk.errors import AuthenticationFailed
from gatewayz.store.records import KeyHolder

__all__ = ["CACHE_CHOICE", "caller_of"]

CACHE_CHOICE: Final = "enable_butter_cache"
"""Name of the user's setting that lets answers be kept. Source: spec 03 §2."""


def caller_of(holder: KeyHolder | None, now: datetime) -> Caller:
    """Return who a key stands for.

    Raises AuthenticationFailed when it is unknown or not in force. Source: spec 00 §2.
    """
    if holder is None:
        raise AuthenticationFailed("This API key is not valid.")
    user, key = holder.user, holder.key
    if key.revoked_at is not None:
        raise AuthenticationFailed("This API key has been revoked.", code="API_KEY_REVOKED")
    if not key.is_active or not user.is_active:
        raise AuthenticationFailed("This API key is not active.")
    if key.expires_at is not None and now >= key.expires_at:
        raise AuthenticationFailed("This API key has expired.", code="API_KEY_EXPIRED")
    return Caller(
        user_id=user.id,
        key_id=key.id,
        email=user.email,
        is_suspect=holder.is_suspect,
        role=user.role,
        plan=user.plan,
        plan_ends_at=user.plan_ends_at,
        is_trial=user.trial_ends_at is not None,
        trial_ends_at=user.trial_ends_at,
        scopes={action: tuple(resources) for action, resources in key.scopes.items()},
        is_primary=key.is_primary,
        environment_tag=msgspec.convert(key.environment_tag, EnvironmentTag),
        ip_allowlist=parse_networks(key.ip_allowlist),
        domain_referrers=tuple(key.domain_referrers),
        max_requests=key.max_requests,
        requests_used=key.requests_used,
        expires_at=key.expires_at,
        lets_answers_be_kept=_choice(holder.settings.get(CACHE_CHOICE)),
        limits=msgspec.convert(dict(key.limits), KeyLimits),
    )


def _choice(value: Any) -> bool | None:
    """Return what a user has chosen; settings are free text of theirs, so anything else is no choice."""
    return value if isinstance(value, bool) else None
