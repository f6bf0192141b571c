"""Which bounds hold for whom."""

import msgspec

from gatewayz.config.sections.limits import LimitProfile
from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.domain.identity.caller import Caller, KeyLimits
from gatewayz.domain.identity.mail_domains import MailKind
from gatewayz.domain.limits.bounds import DAY_MS, SLOTS, Bound
from gatewayz.domain.plans.plans import Plan

__all__ = ["TOKENS_FLOOR", "WINDOWS_MS", "key_bounds", "plan_bounds", "profile_of", "window_bound"]

TOKENS_FLOOR = 25_000
"""Tokens a day below which no plan limits a live key. Source: spec 00 §5.4."""
WINDOWS_MS = {"minute": 60_000, "hour": 3_600_000, "day": DAY_MS}


def profile_of(caller_limits: KeyLimits, plan: Plan, rules: LimitRules, mail: MailKind | None = None) -> LimitProfile:
    """Return the limits of a key: its owner's choice, never above what the profile of plan or mail domain allows."""
    name = None if mail is None else rules.profile_of_mail.get(mail)
    name = name or rules.profile_of_plan.get((plan.key or "").casefold(), "")
    ceiling = rules.profiles.get(name, rules.default)
    values = msgspec.structs.asdict(ceiling)
    for name, chosen in msgspec.structs.asdict(caller_limits).items():
        if chosen is not None:
            values[name] = min(chosen, values[name])
    return LimitProfile(**values)


def key_bounds(key_id: int, profile: LimitProfile, lease_s: float) -> tuple[Bound, ...]:
    """Return the bounds of a key, in the order they are told. Source: spec 00 §5.3."""
    owner = f"k{key_id}"
    rate = max(profile.burst, profile.requests_per_minute, 1)
    bounds = [
        Bound(
            name="concurrency",
            key=f"{owner}:c",
            limit=profile.concurrency,
            kind="lease",
            slot_ms=round(lease_s * 1000),
            slots=1,
        ),
        Bound(
            name="burst",
            key=f"{owner}:b",
            limit=profile.burst,
            kind="bucket",
            slot_ms=max(1, 60_000 * profile.burst // rate),
            slots=1,
        ),
    ]
    for unit in ("requests", "tokens"):
        for window in WINDOWS_MS:
            bounds.append(window_bound(key_id, unit, window, getattr(profile, f"{unit}_per_{window}")))
    return tuple(bounds)


def window_bound(key_id: int, unit: str, window: str, limit: int) -> Bound:
    """Return a key's window: unit `requests` or `tokens`, window `minute`, `hour` or `day`."""
    return Bound(
        name=f"{unit}_per_{window}",
        key=f"k{key_id}:{unit[0]}{window[0]}",
        limit=limit,
        counts_tokens=unit == "tokens",
        slot_ms=WINDOWS_MS[window] // SLOTS,
    )


def plan_bounds(caller: Caller, plan: Plan, lease_s: float) -> tuple[Bound, ...]:
    """Return the caps of a user's plan: UTC days, and thirty days of them. Source: spec 00 §5.4, §6.2."""
    owner, caps = f"u{caller.user_id}", plan.limits
    is_live = caller.environment_tag == "live"
    share = 1 if is_live else 2
    daily_tokens = max(caps.tokens_per_day, TOKENS_FLOOR) if is_live else caps.tokens_per_day // share
    windows = (
        ("daily_requests", caps.requests_per_day // share, 1),
        ("monthly_requests", caps.requests_per_month // share, 30),
        ("daily_tokens", daily_tokens, 1),
        ("monthly_tokens", max(caps.tokens_per_month // share, daily_tokens if is_live else 0), 30),
    )
    return (
        Bound(
            name="concurrency",
            key=f"{owner}:c",
            limit=caps.concurrency,
            kind="lease",
            slot_ms=round(lease_s * 1000),
            slots=1,
        ),
        *(
            Bound(
                name=name,
                key=f"{owner}:{name}",
                limit=limit,
                counts_tokens=name.endswith("tokens"),
                slot_ms=DAY_MS,
                slots=days,
            )
            for name, limit, days in windows
        ),
    )
