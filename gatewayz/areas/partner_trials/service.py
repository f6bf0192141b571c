"""Partner trials as JSON answers show them. Source: spec 08 §4 (cases 22.1 to 22.5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gatewayz.domain.partners.partners import Partner
from gatewayz.domain.trials.trials import TrialState, status_of
from gatewayz.sdk.money import nano_from_usd, usd_float
from gatewayz.store.trial_records import Trial, TrialAccount

__all__ = [
    "show_analytics",
    "show_check",
    "show_config",
    "show_daily_limit",
    "show_started",
    "show_status",
]


def show_config(partner: Partner) -> dict[str, Any]:
    """Return what a partner gives (22.1)."""
    entry = partner.entry
    return {
        "partner_code": partner.code,
        "partner_name": entry.name,
        "trial_duration_days": _days(entry.days),
        "trial_tier": entry.tier,
        "trial_credits_usd": _usd(entry.credits),
        "trial_max_tokens": entry.tokens,
        "trial_max_requests": entry.requests,
        "daily_usage_limit_usd": _usd(entry.daily_cap),
    }


def show_check(code: str, partner: Partner | None) -> dict[str, Any]:
    """Return whether a code is a partner's (22.2)."""
    entry = None if partner is None else partner.entry
    return {
        "code": code.strip().upper(),
        "is_partner_code": partner is not None,
        "partner_name": None if entry is None else entry.name,
        "trial_duration_days": None if entry is None else _days(entry.days),
        "trial_tier": None if entry is None else entry.tier,
    }


def show_status(state: TrialState, trial: Trial | None) -> dict[str, Any]:
    """Return a user's partner trial (22.3)."""
    shown: dict[str, Any] = {
        "has_partner_trial": trial is not None,
        "partner_code": None,
        "trial_status": None,
        "is_expired": False,
        "days_remaining": 0.0,
        "trial_started_at": None,
        "trial_expires_at": None,
        "credits_used": 0.0,
        "tokens_used": 0,
        "requests_made": 0,
        "converted": False,
    }
    if trial is None:
        return shown
    return {
        **shown,
        "partner_code": trial.partner_code,
        "trial_status": state.status,
        "is_expired": state.status == "expired",
        "days_remaining": round(state.days_remaining, 4),
        "trial_started_at": trial.started_at.isoformat(),
        "trial_expires_at": None if state.ends_at is None else state.ends_at.isoformat(),
        "credits_used": usd_float(state.usage.spent),
        "tokens_used": state.usage.tokens,
        "requests_made": state.usage.requests,
        "converted": state.status == "converted",
    }


def show_daily_limit(user_id: int, state: TrialState) -> dict[str, Any]:
    """Return what a user may spend a day (22.4); who has paid, or has no cap, is unlimited."""
    trial = state.trial
    cap = trial.daily_cap if trial is not None and state.status in ("active", "expired") else None
    spent = state.usage.spent_today
    return {
        "user_id": user_id,
        "daily_limit_usd": None if cap is None else usd_float(cap),
        "used_today_usd": usd_float(spent),
        "remaining_today_usd": None if cap is None else usd_float(max(0, cap - spent)),
        "unlimited": cap is None,
    }


def show_started(partner: Partner, trial: Trial) -> dict[str, Any]:
    """Return a trial that was started (22.5)."""
    return {
        "success": True,
        "message": f"Your {partner.entry.name} trial has started.",
        **show_config(partner),
        "trial_expires_at": trial.ends_at.isoformat(),
    }


def show_analytics(partner: Partner, accounts: Sequence[TrialAccount], now: datetime) -> dict[str, Any]:
    """Return what a partner's trials came to."""
    states = [status_of(account.trial_ends_at, account.trial, now) for account in accounts]
    converted, total = states.count("converted"), len(states)
    return {
        "success": True,
        "partner_code": partner.code,
        "partner_name": partner.entry.name,
        "total_trials": total,
        "active_trials": states.count("active"),
        "expired_trials": states.count("expired"),
        "converted_trials": converted,
        "conversion_rate": round(converted / total, 4) if total else 0.0,
        "total_requests": sum(account.requests for account in accounts),
        "total_tokens": sum(account.tokens for account in accounts),
        "total_credits_used": usd_float(sum(account.spent for account in accounts)),
    }


def _usd(rate: str | int | float) -> float:
    return usd_float(nano_from_usd(str(rate)))


def _days(days: float) -> int | float:
    return int(days) if days == int(days) else days
