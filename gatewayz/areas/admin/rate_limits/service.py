"""What the limiter of a process knows, as administrators see it. Source: spec 07 §3."""

from datetime import UTC, datetime
from typing import Any

from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.domain.limits.limiter import Limiter, Refusals
from gatewayz.domain.limits.network import Velocity

__all__ = ["show_alerts", "show_system"]

_SUBJECTS = {"k": "key", "u": "user", "n": "address", "a": "address", "f": "fingerprint"}


def show_system(rules: LimitRules, limiter: Limiter, velocity: Velocity) -> dict[str, Any]:
    """Return the rules in force and what this process decided by them since it started."""
    return {
        "enabled": rules.enabled,
        "counted_in": "redis" if limiter.is_shared and not limiter.is_degraded else "process memory",
        "is_degraded": limiter.is_degraded,
        "granted": limiter.granted_count,
        "refused": limiter.refused_count,
        "default": rules.default,
        "profiles": rules.profiles,
        "profile_of_plan": rules.profile_of_plan,
        "anonymous": rules.anonymous,
        "network": rules.network,
        "endpoints": rules.endpoints,
        "velocity_mode": velocity.status(rules.network),
    }


def show_alerts(rules: LimitRules, limiter: Limiter, velocity: Velocity) -> list[dict[str, Any]]:
    """Return what needs attention: the limiter's own state first, then who was refused, the latest first."""
    alerts: list[dict[str, Any]] = []
    if limiter.is_degraded:
        alerts.append({"type": "limiter_degraded", "message": "Redis does not answer: each process counts alone."})
    if velocity.is_active:
        status = velocity.status(rules.network)
        alerts.append({"type": "velocity_mode", "message": "Too much fails: strangers may ask for less.", **status})
    return alerts + [_refusal(refusals) for refusals in reversed(limiter.refusals.values())]


def _refusal(refusals: Refusals) -> dict[str, Any]:
    bound = refusals.bound
    kind, subject = _SUBJECTS.get(bound.key[0]), bound.key[1:]
    if kind is None:
        kind, subject = "endpoint", subject.partition(":")[2]
    elif kind in ("key", "user"):
        subject = subject.partition(":")[0]
    return {
        "type": "limit_reached",
        "limit_type": bound.name,
        "limit": bound.limit,
        "scope": kind,
        "subject": subject,
        "count": refusals.count,
        "last_at": datetime.fromtimestamp(refusals.at_ms / 1000, UTC),
        "wait_ms": refusals.wait_ms,
    }
