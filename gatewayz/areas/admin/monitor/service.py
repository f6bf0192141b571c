"""What the monitor of administrators shows: of the usage log and the ledger, never a prompt. Source: spec 07 §4."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from gatewayz.areas.admin.monitor.schema import CallsPage, CallsQuery
from gatewayz.sdk.money import usd_float
from gatewayz.store.moment_id import moment_of
from gatewayz.store.profile_records import UserFilter
from gatewayz.store.usage_records import GroupColumn, UsageFilter, UsageGroup, UsageTotals, UserTotals

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["group_calls", "list_calls", "monitor", "summarise_calls"]

_SHOWN: Final = 10
_MOST_GROUPS: Final = 1_000
_LEFT: Final = 499
_INPUT: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
)
_OUTPUT: Final = ("output_tokens", "reasoning_tokens", "audio_output_tokens")


async def monitor(store: "SqlStore", now: datetime) -> dict[str, Any]:
    """Return users, today's calls (UTC) and money. Raises StoreUnavailable."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = UsageFilter(since=midnight)
    _, users = await store.people.page_accounts(UserFilter(), limit=1, offset=0)
    totals = await store.usage_reports.totals(today)
    month = await store.usage_reports.totals(UsageFilter(since=now - timedelta(days=30)))
    wallets = await store.usage_reports.wallets()
    top = await store.usage_reports.top_users(today, limit=_SHOWN)
    recent = await store.usage_reports.page(UsageFilter(), limit=_SHOWN, offset=0)
    return {
        "total_users": users,
        "active_users_today": totals.users,
        "total_requests_today": totals.requests,
        "total_tokens_today": totals.input_tokens + totals.output_tokens,
        "total_cost_today": usd_float(totals.charged),
        "total_credits": usd_float(wallets.spendable + wallets.held),
        "total_credits_held": usd_float(wallets.held),
        "total_credits_used_30d": usd_float(month.charged),
        "system_usage_metrics": {"today": _totals(totals), "last_30_days": _totals(month)},
        "top_users_by_usage": [_user(each) for each in top],
        "recent_activity": [_call(row) for row in recent],
    }


async def list_calls(store: "SqlStore", query: CallsPage, now: datetime) -> dict[str, Any]:
    """Return a page of calls, newest first (24.4.2). Raises StoreUnavailable."""
    wanted = query.wanted()
    rows = await store.usage_reports.page(wanted, limit=query.limit, offset=query.offset)
    totals = await store.usage_reports.totals(wanted)
    return {
        "success": True,
        "data": [_call(row) for row in rows],
        "metadata": {
            "total_count": totals.requests,
            "limit": query.limit,
            "offset": query.offset,
            "returned_count": len(rows),
            "filters": query.filters(),
            "timestamp": now,
        },
    }


async def summarise_calls(store: "SqlStore", query: CallsQuery, now: datetime) -> dict[str, Any]:
    """Return sums of calls (24.4.3). Raises StoreUnavailable."""
    totals = await store.usage_reports.totals(query.wanted())
    return {"summary": _totals(totals), "filters": query.filters(), "timestamp": now, "cached": False}


async def group_calls(store: "SqlStore", query: CallsQuery, by: GroupColumn, now: datetime) -> dict[str, Any]:
    """Return sums by model or provider, most calls first. Raises StoreUnavailable."""
    groups = await store.usage_reports.group(query.wanted(), by, limit=_MOST_GROUPS)
    shown = [_group(each, by) for each in groups]
    return {"success": True, "data": shown, "total": len(shown), "filters": query.filters(), "timestamp": now}


def _totals(totals: UsageTotals) -> dict[str, Any]:
    requests = totals.requests
    completed = requests - totals.failed_requests
    return {
        "total_requests": requests,
        "total_input_tokens": totals.input_tokens,
        "total_output_tokens": totals.output_tokens,
        "total_tokens": totals.input_tokens + totals.output_tokens,
        "avg_processing_time_ms": round(totals.duration_ms / requests, 2) if requests else None,
        "completed_requests": completed,
        "failed_requests": totals.failed_requests,
        "success_rate": round(100 * completed / requests, 2) if requests else None,
        "total_cost_usd": usd_float(totals.charged),
        "provider_cost_usd": usd_float(totals.cost),
        "unique_users": totals.users,
    }


def _call(row: Mapping[str, Any]) -> dict[str, Any]:
    read, written = _sum(row, _INPUT), _sum(row, _OUTPUT)
    return {
        "id": str(row["id"]),
        "request_id": row["request_id"],
        "user_id": row["user_id"],
        "key_id": row["key_id"],
        "endpoint": row["operation"],
        "model": row["model"] or row["requested_model"],
        "requested_model": row["requested_model"],
        "provider": row["provider"],
        "is_stream": row["is_stream"],
        "input_tokens": read,
        "output_tokens": written,
        "total_tokens": read + written,
        "processing_time_ms": row["duration_ms"],
        "time_to_first_content_ms": row["first_content_ms"],
        "status": _status(row),
        "http_status": row["status"],
        "error_message": row["error_code"],
        "cost_usd": None if row["charged_nano"] is None else usd_float(row["charged_nano"]),
        "created_at": moment_of(row["id"]),
    }


def _status(row: Mapping[str, Any]) -> str:
    if row["status"] == _LEFT:
        return "abandoned"
    return "failed" if row["status"] >= 400 or row["error_code"] is not None else "completed"


def _sum(row: Mapping[str, Any], names: Sequence[str]) -> int:
    return sum(row[name] for name in names)


def _group(group: UsageGroup, by: GroupColumn) -> dict[str, Any]:
    return {
        by: group.name,
        "request_count": group.requests,
        "total_tokens": group.tokens,
        "total_cost_usd": usd_float(group.charged),
    }


def _user(user: UserTotals) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "requests": user.requests,
        "tokens": user.tokens,
        "cost_usd": usd_float(user.charged),
    }
