"""Balance, transactions, and account at a glance. Source: spec 03 §2 (cases 8.1.4, 8.1.9 to 8.1.11)."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatewayz.areas.account.activity import DAY, add_up, sum_by, today_and_month
from gatewayz.areas.account.limits import current_limits
from gatewayz.areas.account.profile import find_me, find_standing, show_key
from gatewayz.domain.credits.transactions import show_transaction
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.journal_records import EntryFilter
from gatewayz.store.moment_id import moment_of
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call

__all__ = ["list_transactions", "show_balance", "show_environments", "show_monitor"]


class TransactionsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the caller's transactions."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    offset: Annotated[int, Meta(ge=0, le=2**53)] = 0
    transaction_type: str | None = None


async def show_balance(call: Call) -> dict[str, Any]:
    """Return what the caller has, in dollars, and what is left of a running trial."""
    user, profile = await find_me(call)
    standing = await find_standing(call, user, profile)
    balances = await call.services.ledger.balances(user.id)
    trial = await call.services.promotions.trials.state(user, call.edition.settings.plans.trial)
    limits = trial.trial if trial.status == "active" else None
    return {
        "user_id": user.id,
        "api_key": await show_key(call),
        "credits": balances.spendable / NANO_PER_USD,
        "purchased_credits": (balances.trial + balances.purchased) / NANO_PER_USD,
        "subscription_allowance": balances.allowance / NANO_PER_USD,
        "total_credits": balances.spendable / NANO_PER_USD,
        "allowance_reset_date": standing.allowance_reset_at,
        "status": standing.status,
        "tier": standing.tier,
        "tokens_remaining": None if limits is None else max(0, limits.max_tokens - trial.usage.tokens),
        "requests_remaining": None if limits is None else max(0, limits.max_requests - trial.usage.requests),
        "trial_end_date": user.trial_ends_at,
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
    total, models = add_up(sums), sum_by(sums, lambda each: each.model)
    today, month = await today_and_month(call)
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
        "rate_limits": current_limits(call),
    }
