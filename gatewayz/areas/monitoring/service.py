"""What the monitoring endpoints answer with, all from the record of traffic. Source: spec 05 §4 (13.6 to 13.10).

`is_whole` in an answer is false while the store is away: then it tells of the last hour only.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gatewayz.domain.health.score import grade, score
from gatewayz.domain.observation import lately
from gatewayz.domain.observation.anomalies import find_anomalies, hours_of
from gatewayz.domain.observation.totals import by_model, by_provider, total
from gatewayz.domain.observation.traffic import NOBODY, Traffic, TrafficView
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import usd_float

__all__ = ["anomalies", "costs", "error_rates", "provider_health", "providers_health", "realtime"]


def providers_health(view: TrafficView, configured: Iterable[str]) -> Sequence[dict[str, Any]]:
    """Return the score of every provider that is configured or was ever called; null and `unknown` without data."""
    called = _last_called(view)
    scores = view.tallies()
    return [_health(name, scores, called) for name in sorted({*configured, *called})]


def provider_health(view: TrafficView, configured: Iterable[str], name: str) -> dict[str, Any]:
    """Return one of them. Raises ResourceNotFound."""
    called = _last_called(view)
    if name not in called and name not in set(configured):
        raise ResourceNotFound(f"There is no provider {name[:64]!r}.")
    return _health(name, view.tallies(), called)


async def realtime(view: TrafficView, hours: int, now: datetime) -> dict[str, Any]:
    """Return requests and cost of the last hours, by provider and hour."""
    found = await lately.series(view, now - timedelta(hours=hours), now + timedelta(seconds=1), "hour")
    scores = {name: score(tallies) for name, tallies in view.tallies().items()}
    providers = {}
    for name, by_hour in hours_of(found.points).items():
        whole = total(by_hour.values())
        providers[name] = {
            **_sums(whole),
            "health_score": scores.get(name),
            "hourly_breakdown": [{"hour": hour, **_sums(traffic)} for hour, traffic in by_hour.items()],
        }
    known = [points for points in scores.values() if points is not None]
    return {
        "timestamp": now,
        "is_whole": found.is_whole,
        "providers": providers,
        # Requests that no provider could be tried for are requests too.
        **_sums(total(point.traffic for point in found.points)),
        "avg_health_score": round(sum(known) / len(known), 2) if known else None,
    }


async def error_rates(view: TrafficView, hours: int, now: datetime) -> dict[str, Any]:
    """Return how many requests failed, by model and provider; rates are 0..1, null without a request."""
    found = await lately.traffic(view, now - timedelta(hours=hours), now + timedelta(seconds=1))
    models = {}
    for model, whole in by_model(found.parts).items():
        if not whole.requests:
            continue
        parts = (part for part in found.parts if part.model == model and part.requests)
        providers = {part.provider: _failures(part) for part in parts if part.provider != NOBODY}
        models[model] = {**_failures(whole), "providers": providers}
    return {"timestamp": now, "hours": hours, "is_whole": found.is_whole, "models": models}


async def costs(view: TrafficView, days: int, now: datetime) -> dict[str, Any]:
    """Return what providers cost, in US dollars at their prices."""
    start = now - timedelta(days=days)
    found = await lately.traffic(view, start, now + timedelta(seconds=1))
    served = {name: whole for name, whole in by_provider(found.parts).items() if whole.requests}
    return {
        "timestamp": now,
        "period_days": days,
        "start_date": start,
        "end_date": now,
        "is_whole": found.is_whole,
        "providers": {
            name: {**_sums(whole), "cost_per_request": usd_float(whole.cost) / whole.requests}
            for name, whole in served.items()
        },
        **_sums(total(found.parts)),
    }


async def anomalies(view: TrafficView, now: datetime) -> dict[str, Any]:
    """Return hours of the last 24 that are unlike the others; docs/operations/monitoring.md has the method."""
    found = await lately.series(view, now - timedelta(hours=24), now + timedelta(seconds=1), "hour")
    listed = find_anomalies(hours_of(found.points))
    critical = sum(anomaly.severity == "critical" for anomaly in listed)
    return {
        "timestamp": now,
        "is_whole": found.is_whole,
        "anomalies": listed,
        "total_count": len(listed),
        "critical_count": critical,
        "warning_count": len(listed) - critical,
    }


def _health(name: str, tallies: Mapping[str, Any], called: Mapping[str, datetime]) -> dict[str, Any]:
    points = score(tallies.get(name, ()))
    return {
        "provider": name,
        "health_score": points,
        "status": grade(points),
        "last_updated": called.get(name),
    }


def _last_called(view: TrafficView) -> dict[str, datetime]:
    called: dict[str, datetime] = {}
    for (provider, _), state in view.states().items():
        at = state.last_called_at
        if at is not None and (provider not in called or called[provider] < at):
            called[provider] = at
    return called


def _sums(traffic: Traffic) -> dict[str, Any]:
    return {"total_requests": traffic.requests, "total_cost": usd_float(traffic.cost)}


def _failures(traffic: Traffic) -> dict[str, Any]:
    return {
        "total_requests": traffic.requests,
        "failed_requests": traffic.failed_requests,
        "error_rate": traffic.failed_requests / traffic.requests if traffic.requests else None,
    }
