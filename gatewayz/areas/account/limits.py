"""The caller's plan and limits, and what is used of them. Source: spec 03 §2 (cases 8.1.5 to 8.1.8)."""

from datetime import UTC, timedelta
from typing import Any

from gatewayz.areas.account.activity import DAY, midnight_of, today_and_month
from gatewayz.areas.account.profile import show_key
from gatewayz.domain.identity.mail_domains import kind_of_mail
from gatewayz.domain.limits.limit_values import LimitValues
from gatewayz.domain.limits.profiles import plan_bounds, profile_of
from gatewayz.domain.plans.plans import Plan
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.plan_records import PlanAssignment
from gatewayz.web.routes import Call

__all__ = ["current_limits", "show_limit", "show_plan", "show_plan_usage"]


async def show_plan(call: Call, feature: str | None = None) -> dict[str, Any]:
    """Return the plan in force, and whether it has a feature."""
    plan, caller = call.edition.plans.of(call.caller), call.caller
    given, limits = await _assignment(call, plan), plan.limits
    ends_at = caller.plan_ends_at
    return {
        "user_id": caller.user_id,
        "user_plan_id": None if given is None else given.id,
        "plan_id": plan.id,
        "plan_name": plan.name,
        "plan_description": plan.description,
        "daily_request_limit": limits.requests_per_day,
        "monthly_request_limit": limits.requests_per_month,
        "daily_token_limit": limits.tokens_per_day,
        "monthly_token_limit": limits.tokens_per_month,
        "price_per_month": plan.price_per_month / NANO_PER_USD,
        "features": plan.features,
        "start_date": None if given is None else given.starts_at,
        "end_date": ends_at,
        "is_active": True,
        "has_plan": plan.key is not None,
        "can_access_feature": feature is None or feature in plan.features,
        "plan_expires": ends_at,
        "plan_expired": ends_at is not None and ends_at <= call.services.clock.now(),
    }


async def show_plan_usage(call: Call) -> dict[str, Any]:
    """Return what is used of the plan today and this month."""
    plan = call.edition.plans.of(call.caller)
    today, month = await today_and_month(call)
    usage = {
        "daily_requests": today["requests"],
        "daily_tokens": today["tokens"],
        "monthly_requests": month["requests"],
        "monthly_tokens": month["tokens"],
    }
    limits = {
        "daily_requests": plan.limits.requests_per_day,
        "daily_tokens": plan.limits.tokens_per_day,
        "monthly_requests": plan.limits.requests_per_month,
        "monthly_tokens": plan.limits.tokens_per_month,
    }
    return {
        "plan_name": plan.name,
        "usage": usage,
        "limits": limits,
        "remaining": {name: max(0, limit - usage[name]) for name, limit in limits.items()},
        "at_limit": {name: usage[name] >= limit for name, limit in limits.items()},
    }


async def show_limit(call: Call) -> dict[str, Any]:
    """Return the limits that hold for the calling key, and what is used of the day."""
    now = call.services.clock.now().astimezone(UTC)
    limits = current_limits(call)
    today, _ = await today_and_month(call)
    reached = next((unit for unit in ("requests", "tokens") if today[unit] >= limits[f"{unit}_per_day"]), None)
    is_enforced = call.edition.limits is not None
    minute = now.replace(second=0, microsecond=0)
    return {
        "status": "success",
        "api_key": await show_key(call),
        "is_enforced": is_enforced,
        "current_limits": limits,
        "current_usage": {
            "allowed": reached is None or not is_enforced,
            "reason": None if reached is None else f"the day's limit of {reached} is reached",
            "requests_today": today["requests"],
            "tokens_today": today["tokens"],
        },
        "reset_times": {
            "minute": minute + timedelta(minutes=1),
            "hour": minute.replace(minute=0) + timedelta(hours=1),
            "day": midnight_of(now) + DAY,
        },
    }


def current_limits(call: Call) -> dict[str, int]:
    """Return the six values that hold for the calling key: of key, plan and mail domain the lowest."""
    caller, plan, settings = call.caller, call.edition.plans.of(call.caller), call.edition.settings
    caps = {bound.name: bound.limit for bound in plan_bounds(caller, plan, settings.limits.lease_s)}
    mail = kind_of_mail(caller.email, settings.mail_domains, is_suspect=caller.is_suspect)
    profile = profile_of(caller.limits, plan, settings.limits, mail)
    limits = {name: getattr(profile, name) for name in LimitValues.__struct_fields__}
    for unit in ("requests", "tokens"):
        limits[f"{unit}_per_day"] = min(limits[f"{unit}_per_day"], caps[f"daily_{unit}"])
    if plan.is_unlimited:
        limits = {name: caps["daily_requests"] for name in limits}
    return limits


async def _assignment(call: Call, plan: Plan) -> PlanAssignment | None:
    """Return by which assignment the caller has the plan; None for one that nobody assigned."""
    latest = await call.services.store.plans.list_assignments(call.user_id, 1)
    return latest[0] if latest and plan.key is not None and latest[0].plan == plan.key else None
