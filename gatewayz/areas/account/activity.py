"""Activity of the caller, from the usage log. Source: spec 03 §3 (cases 8.2.*)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.moment_id import moment_of
from gatewayz.store.sql.people import UsageSum
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call

__all__ = ["DAY", "add_up", "list_activity", "midnight_of", "show_activity", "sum_by", "today_and_month"]

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


async def show_activity(call: Call) -> dict[str, Any]:
    """Return sums of a period by day, model and provider."""
    since, until = _period(call, read_query(PeriodQuery))
    sums = await call.services.store.people.sum_usage(call.user_id, since, until)
    total, days = add_up(sums), sum_by(sums, lambda each: each.day.date().isoformat())
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
        "by_model": sum_by(sums, lambda each: each.model),
        "by_provider": sum_by((each for each in sums if each.provider), lambda each: each.provider),
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


async def today_and_month(call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the caller used today and this month, in UTC."""
    midnight = midnight_of(call.services.clock.now())
    sums = await call.services.store.people.sum_usage(call.user_id, midnight.replace(day=1), midnight + DAY)
    return add_up(each for each in sums if each.day >= midnight), add_up(sums)


def _period(call: Call, query: PeriodQuery) -> tuple[datetime, datetime]:
    until = midnight_of(call.services.clock.now()) + DAY
    if query.to is not None:
        until = datetime.combine(query.to, time(), UTC) + DAY
    since = until - query.days * DAY
    if query.from_ is not None:
        since = datetime.combine(query.from_, time(), UTC)
    return since, until


def midnight_of(now: datetime) -> datetime:
    """Return the beginning of a moment's day, UTC."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC)


def add_up(sums: Iterable[UsageSum]) -> dict[str, Any]:
    """Return requests, tokens and what they cost the user, in dollars."""
    total: dict[str, Any] = {"requests": 0, "tokens": 0, "cost": 0.0}
    nano = 0
    for each in sums:
        total["requests"] += each.requests
        total["tokens"] += each.tokens
        nano += each.charged_nano
    return {**total, "cost": nano / NANO_PER_USD}


def sum_by(sums: Iterable[UsageSum], name: Callable[[UsageSum], str]) -> dict[str, dict[str, Any]]:
    """Return the sums of `add_up` by name."""
    groups: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for each in sums:
        groups[name(each)].append(each)
    return {key: add_up(group) for key, group in groups.items()}
