"""Plans and trials as JSON answers show them. Source: spec 03 §6 (cases 8.5.1 to 8.5.4)."""

from collections.abc import Sequence
from typing import Any

from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.plans.plans import Plan
from gatewayz.domain.trials.trials import TrialState
from gatewayz.sdk.money import nano_from_usd, usd_float

__all__ = ["show_plan", "show_subscription_plans", "show_trial"]

_MESSAGES = {
    "active": "Your trial is active.",
    "expired": "Your trial has ended. Buy credits or subscribe to go on; models ending in ':free' stay open.",
    "converted": "Your trial ended with your first payment.",
    "none": "You are not on a trial.",
}


def show_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan (8.5.2)."""
    limits = plan.limits
    return {
        "id": plan.id,
        "name": plan.name,
        "description": plan.description,
        "plan_type": plan.type,
        "daily_request_limit": limits.requests_per_day,
        "monthly_request_limit": limits.requests_per_month,
        "daily_token_limit": limits.tokens_per_day,
        "monthly_token_limit": limits.tokens_per_month,
        "price_per_month": usd_float(plan.price_per_month),
        "yearly_price": usd_float(plan.yearly_price),
        "price_per_token": None if plan.price_per_token is None else float(plan.price_per_token),
        "is_pay_as_you_go": plan.is_pay_as_you_go,
        "max_concurrent_requests": limits.concurrency,
        "features": list(plan.features),
        "is_active": plan.is_active,
    }


def show_subscription_plans(plans: Sequence[Plan], rules: TrialRules) -> dict[str, Any]:
    """Return the plans with what a trial gives (8.5.3)."""
    shown = [
        {
            **show_plan(plan),
            "monthly_price": usd_float(plan.price_per_month),
            "trial_eligible": plan.is_trial_eligible,
        }
        for plan in plans
    ]
    days = int(rules.days) if rules.days == int(rules.days) else rules.days
    return {
        "success": True,
        "plans": shown,
        "message": f"{len(shown)} plans are offered.",
        "trial_info": {
            "trial_days": days,
            "trial_credits": usd_float(nano_from_usd(str(rules.credits))),
            "trial_tokens": rules.tokens,
            "trial_requests": rules.requests,
            "trial_plan": rules.plan,
        },
    }


def show_trial(state: TrialState, trial_balance: int) -> dict[str, Any]:
    """Return a user's trial (8.5.4).

    :param trial_balance: trial credit that can be spent, in nano-dollars.
    """
    trial, usage = state.trial, state.usage
    is_active = state.status == "active"
    tokens = max(0, trial.max_tokens - usage.tokens) if trial and is_active else 0
    requests = max(0, trial.max_requests - usage.requests) if trial and is_active else 0
    status = {
        "status": state.status,
        "is_valid": is_active and tokens > 0 and requests > 0,
        "is_trial": state.status in ("active", "expired"),
        "is_expired": state.status == "expired",
        "days_remaining": round(state.days_remaining, 4),
        "remaining_tokens": tokens,
        "remaining_requests": requests,
        "remaining_credits": usd_float(trial_balance) if is_active else 0.0,
        "trial_start_date": None if trial is None else trial.started_at.isoformat(),
        "trial_end_date": None if state.ends_at is None else state.ends_at.isoformat(),
        "message": _MESSAGES[state.status],
    }
    return {"success": True, "trial_status": status, "message": _MESSAGES[state.status]}
