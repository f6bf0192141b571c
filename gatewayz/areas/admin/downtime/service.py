"""Downtime as administrators see it. Source: spec 07 §9."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gatewayz.domain.observation.totals import by_provider, total
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.downtime_records import DowntimeKind, Incident

__all__ = ["MOST", "analyse", "show_incident", "statistics"]

MOST: Final = 10_000
"""Incidents that statistics are made of."""
_ENDPOINTS: Final[dict[DowntimeKind, str]] = {
    "stopped": "/livez",
    "crashed": "/livez",
    "database": "/readyz",
    "readiness": "/readyz",
}
_BEFORE: Final = timedelta(hours=1)


def show_incident(incident: Incident, now: datetime) -> dict[str, Any]:
    """Return an incident as lists show it; what was not measured is null."""
    return {
        "id": incident.id,
        "type": incident.kind,
        "started_at": incident.started_at,
        "detected_at": incident.detected_at,
        "ended_at": incident.ended_at,
        "duration_seconds": round(((incident.ended_at or now) - incident.started_at).total_seconds(), 3),
        "health_endpoint": _ENDPOINTS[incident.kind],
        "error_message": incident.error_message,
        "http_status_code": 503 if _ENDPOINTS[incident.kind] == "/readyz" else None,
        "response_body": None,
        "status": incident.status,
        "severity": incident.severity,
        "log_count": None,
        "environment": incident.environment,
        "server_info": incident.server_info,
        "metrics_snapshot": None,
        "notified_at": None,
        "resolved_by": incident.resolved_by,
        "notes": incident.notes,
        "created_at": incident.created_at,
        "updated_at": incident.updated_at,
    }


def statistics(incidents: Sequence[Incident], days: int, now: datetime) -> dict[str, Any]:
    """Return sums over a period; of an incident that reaches beyond it, the part within counts."""
    begin = now - timedelta(days=days)
    lengths = [((each.ended_at or now) - max(each.started_at, begin)).total_seconds() for each in incidents]
    return {
        "total_incidents": len(incidents),
        "total_downtime_seconds": round(sum(lengths), 3),
        "average_duration_seconds": round(sum(lengths) / len(lengths), 3) if lengths else None,
        "longest_duration_seconds": round(max(lengths), 3) if lengths else None,
        "by_severity": dict(Counter(each.severity for each in incidents)),
        "by_status": dict(Counter(each.status for each in incidents)),
        "by_type": dict(Counter(each.kind for each in incidents)),
    }


async def analyse(incident: Incident, view: TrafficView, now: datetime) -> dict[str, Any]:
    """Return what the record of traffic says of the hour before an incident, and of its time."""
    during = incident.started_at, incident.ended_at or now
    return {
        "before": await _traffic(view, incident.started_at - _BEFORE, incident.started_at),
        "during": await _traffic(view, *during),
    }


async def _traffic(view: TrafficView, start: datetime, end: datetime) -> dict[str, Any] | None:
    try:
        parts = await view.between(start, end)
    except StoreUnavailable:
        return None
    whole = total(parts)
    return {
        "from": start,
        "to": end,
        "requests": whole.requests,
        "failed_requests": whole.failed_requests,
        "provider_faults": {name: each.faults for name, each in by_provider(parts).items() if each.faults},
        "avg_response_time_ms": whole.latency.mean(),
    }
