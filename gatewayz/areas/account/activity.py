"""Balance, plan, usage and activity of the caller. Source: spec 03 §2, §3 (cases 8.1.4 to 8.1.11, 8.2.*)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatewayz.areas.account.profile import find_me
from gatewayz.domain.credits.transactions import show_transaction
from gatewayz.domain.identity.sign_in import status_word
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.journal_records import EntryFilter
from gatewayz.store.moment_id import moment_of
from gatewayz.store.sql.people import UsageSum
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call

__all__ = [
    "list_activity",
    "list_transactions",
    "show_activity",
    "show_balance",
    "show_environments",
    "show_limit",
    "show_monitor",
    "show_plan",
    "show_plan_usage",
]

DAY = timedelta(days=1)


class PeriodQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Days back from today, or from one day to another."""

    days: Annotated[int, Meta(ge=1, le=365)] = 30
    from_: date | None = msgspec.field(name="from", default=None)
    to: date | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 10
    offset: Annotated[int, Meta(ge=0, le=2**53)] = 0
    page: Annotated[int, Meta(ge=1, le=2**40)] | None = None
    model: str | None = None
    provider: str | None = None


class TransactionsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the caller's transactions."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    offset: Annotated[int, Meta(ge=0, le=2**53)] = 0
    transaction_type: str | None = None


async def show_balance(call: Call) -> dict[str, Any]:
    """Return what the caller has, in dollars."""
    user, profile = await find_me(call)
    balances = await call.services.ledger.balances(user.id)
    return {
        "user_id": user.id,
        "credits": balances.spendable / NANO_PER_USD,
        "purchased_credits": (balances.trial + balances.purchased) / NANO_PER_USD,
        "subscription_allowance": balances.allowance / NANO_PER_USD,
        "total_credits": balances.spendable / NANO_PER_USD,
        "allowance_reset_date": None,
        "status": status_word(user, profile, call.services.clock.now()),
        "trial_end_date": user.trial_ends_at,
    }


async def show_plan(call: Call, feature: str | None = None) -> dict[str, Any]:
    """Return the plan in force, and whether it has a feature."""
    plan, caller = call.edition.plans.of(call.caller), call.caller
    limits = plan.limits
    return {
        "user_id": caller.user_id,
        "user_plan_id": None,
        "plan_id": plan.id,
        "plan_name": plan.name,
        "plan_description": plan.description,
        "daily_request_limit": limits.requests_per_day,
        "monthly_request_limit": limits.requests_per_month,
        "daily_token_limit": limits.tokens_per_day,
        "monthly_token_limit": limits.tokens_per_month,
        "price_per_month": plan.price_per_month / NANO_PER_USD,
        "features": plan.features,
        "end_date": caller.plan_ends_at,
        "is_active": True,
        "has_plan": plan.key is not None,
        "can_access_feature": feature is None or feature in plan.features,
        "plan_expires": caller.plan_ends_at,
        "plan_expired": caller.plan_ends_at is not None and caller.plan_ends_at <= call.services.clock.now(),
    }


async def show_plan_usage(call: Call) -> dict[str, Any]:
    """Return what is used of the plan today and this month."""
    plan = call.edition.plans.of(call.caller)
    today, month = await _today_and_month(call)
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
    """Return the key's own limits, the plan's where it has none, and what is used today."""
    now = call.services.clock.now().astimezone(UTC)
    own, plan = call.caller.limits, call.edition.plans.of(call.caller).limits
    today, _ = await _today_and_month(call)
    requests_left, tokens_left = today["requests"] < plan.requests_per_day, today["tokens"] < plan.tokens_per_day
    minute = now.replace(second=0, microsecond=0)
    return {
        "status": "success",
        "current_limits": {
            "requests_per_minute": own.requests_per_minute,
            "requests_per_hour": own.requests_per_hour,
            "requests_per_day": own.requests_per_day or plan.requests_per_day,
            "tokens_per_minute": own.tokens_per_minute,
            "tokens_per_hour": own.tokens_per_hour,
            "tokens_per_day": own.tokens_per_day or plan.tokens_per_day,
        },
        "current_usage": {
            "allowed": requests_left and tokens_left,
            "reason": None if requests_left and tokens_left else "the plan's daily limit is reached",
            "requests_today": today["requests"],
            "tokens_today": today["tokens"],
        },
        "reset_times": {
            "minute": minute + timedelta(minutes=1),
            "hour": minute.replace(minute=0) + timedelta(hours=1),
            "day": _midnight(now) + DAY,
        },
    }


async def list_transactions(call: Call) -> dict[str, Any]:
    """Return the caller's movements of money, newest first."""
    query, journal = read_query(TransactionsQuery), call.services.store.journal
    wanted = EntryFilter(user_id=call.user_id, kind=query.transaction_type)
    page = await journal.page(wanted, limit=query.limit, offset=query.offset)
    by_kind = (await journal.totals(wanted)).by_kind
    added = sum(each.added for each in by_kind.values()) / NANO_PER_USD
    used = sum(each.used for each in by_kind.values()) / NANO_PER_USD
    return {
        "transactions": [show_transaction(entry) for entry in page.entries],
        "summary": {
            "total_transactions": page.total,
            "total_credits_added": added,
            "total_credits_used": used,
            "net_change": added - used,
            "by_type": {
                kind: {"count": each.count, "amount": (each.added - each.used) / NANO_PER_USD}
                for kind, each in by_kind.items()
            },
        },
        "total": page.total,
        "limit": query.limit,
        "offset": query.offset,
    }


async def show_environments(call: Call) -> dict[str, Any]:
    """Return the use of keys by environment."""
    found: dict[str, dict[str, int]] = {}
    for key in await call.services.store.keys.list_keys(call.user_id, limit=1000):
        counts = found.setdefault(key.environment_tag, {"total_requests": 0, "total_max_requests": 0, "key_count": 0})
        counts["total_requests"] += key.requests_used
        counts["total_max_requests"] += key.max_requests or 0
        counts["key_count"] += key.revoked_at is None
    now = call.services.clock.now()
    return {"status": "success", "user_id": call.user_id, "environment_usage": found, "timestamp": now}


async def show_monitor(call: Call) -> dict[str, Any]:
    """Return balance, usage and limits at a glance; totals are over the kept log."""
    now = call.services.clock.now()
    sums = await call.services.store.people.sum_usage(call.user_id, now - 366 * DAY, now + DAY)
    total, models = _add(sums), _by(sums, lambda each: each.model)
    today, month = await _today_and_month(call)
    latest = await call.services.store.usage.list_usage(call.user_id, limit=1)
    balances = await call.services.ledger.balances(call.user_id)
    return {
        "status": "success",
        "timestamp": now,
        "user_id": call.user_id,
        "current_credits": balances.spendable / NANO_PER_USD,
        "usage_metrics": {
            "total_requests": total["requests"],
            "total_tokens": total["tokens"],
            "total_cost": total["cost"],
            "requests_today": today["requests"],
            "tokens_today": today["tokens"],
            "cost_today": today["cost"],
            "requests_this_month": month["requests"],
            "tokens_this_month": month["tokens"],
            "cost_this_month": month["cost"],
            "average_tokens_per_request": total["tokens"] / total["requests"] if total["requests"] else 0.0,
            "most_used_model": max(models, key=lambda name: models[name]["requests"], default=None),
            "last_request_time": moment_of(latest[0]["id"]) if latest else None,
        },
        "rate_limits": (await show_limit(call))["current_limits"],
    }


async def show_activity(call: Call) -> dict[str, Any]:
    """Return sums of a period by day, model and provider."""
    since, until = _period(call, read_query(PeriodQuery))
    sums = await call.services.store.people.sum_usage(call.user_id, since, until)
    total, days = _add(sums), _by(sums, lambda each: each.day.date().isoformat())
    requests, tokens, cost = total["requests"], total["tokens"], total["cost"]
    daily = [
        {"date": day, "spend": each["cost"], "tokens": each["tokens"], "requests": each["requests"]}
        for day, each in days.items()
    ]
    return {
        "total_requests": requests,
        "total_tokens": tokens,
        "total_spend": cost,
        "total_cost": cost,
        "daily_stats": daily,
        "by_date": daily,
        "by_model": _by(sums, lambda each: each.model),
        "by_provider": _by((each for each in sums if each.provider), lambda each: each.provider),
        "avg_tokens_per_request": tokens / requests if requests else 0.0,
        "avg_cost_per_request": cost / requests if requests else 0.0,
        "avg_cost_per_token": cost / tokens if tokens else 0.0,
    }


async def list_activity(call: Call) -> dict[str, Any]:
    """Return calls, newest first. `total` counts this page, which clients rely on."""
    query = read_query(PeriodQuery)
    since, until = _period(call, query)
    offset = query.offset if query.page is None else (query.page - 1) * query.limit
    rows, count = await call.services.store.people.page_usage(
        call.user_id,
        since=since,
        until=until,
        model=query.model,
        provider=query.provider,
        limit=query.limit,
        offset=offset,
    )
    logs = [
        {
            "id": str(row["id"]),
            "timestamp": moment_of(row["id"]),
            "model": row["model"] or row["requested_model"],
            "provider": row["provider"],
            "tokens": row["input_tokens"] + row["output_tokens"],
            "cost": None if row["charged_nano"] is None else row["charged_nano"] / NANO_PER_USD,
            "speed": row["output_tokens"] * 1000 / row["duration_ms"] if row["duration_ms"] else None,
            "finish_reason": None,
            "app": None,
            "metadata": {"endpoint": row["operation"], "request_id": row["request_id"], "status": row["status"]},
        }
        for row in rows
    ]
    return {
        "logs": logs,
        "total": len(logs),
        "total_count": count,
        "page": offset // query.limit + 1,
        "limit": query.limit,
    }


async def _today_and_month(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    midnight = _midnight(call.services.clock.now())
    sums = await call.services.store.people.sum_usage(call.user_id, midnight.replace(day=1), midnight + DAY)
    return _add(each for each in sums if each.day >= midnight), _add(sums)


def _period(call: Call, query: PeriodQuery) -> tuple[datetime, datetime]:
    until = _midnight(call.services.clock.now()) + DAY
    if query.to is not None:
        until = datetime.combine(query.to, time(), UTC) + DAY
    since = until - query.days * DAY
    if query.from_ is not None:
        since = datetime.combine(query.from_, time(), UTC)
    return since, until


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC)


def _add(sums: Iterable[UsageSum]) -> dict[str, Any]:
    total: dict[str, Any] = {"requests": 0, "tokens": 0, "cost": 0.0}
    nano = 0
    for each in sums:
        total["requests"] += each.requests
        total["tokens"] += each.tokens
        nano += each.charged_nano
    return {**total, "cost": nano / NANO_PER_USD}


def _by(sums: Iterable[UsageSum], name: Callable[[UsageSum], str]) -> dict[str, dict[str, Any]]:
    groups: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for each in sums:
        groups[name(each)].append(each)
    return {key: _add(group) for key, group in groups.items()}
