"""What the diagnostics endpoints answer with. Source: spec 05 §5 (14.1, 14.2)."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from gatewayz.domain.observation import lately
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.telemetry.metrics.families import SLOW_MS, VERY_SLOW_MS
from gatewayz.telemetry.metrics.snapshot import Figures

__all__ = ["concurrency", "provider_timing"]

_WARNING_PERCENT: Final = 70.0
_CRITICAL_PERCENT: Final = 90.0
_NOTE: Final = (
    "Successful calls of the last 24 hours, over all processes, until the whole answer was relayed. "
    "Calls that failed or timed out are in the error rates."
)


def concurrency(figures: Figures, queue_timeout_s: float) -> dict[str, Any]:
    """Return inference requests being worked on, and calls in line for a connection to a provider.

    Requests above the limit are refused at once, never queued; the line has no bound of its own but the
    limit, so how full it is cannot be told.

    :param queue_timeout_s: how long a call stays in line at most.
    """
    active = int(figures.value("concurrency_active_requests") or 0)
    limit = int(figures.value("concurrency_limit") or 0)
    used = 100 * active / limit if limit else 0.0
    return {
        "active_requests": active,
        "queued_requests": int(figures.value("concurrency_queued_requests") or 0),
        "concurrency_limit": limit,
        "queue_size_limit": None,
        "queue_timeout_seconds": queue_timeout_s,
        "utilization_percent": round(used, 2),
        "queue_utilization_percent": None,
        "status": _status(used),
        "available_slots": max(0, limit - active),
        "available_queue_slots": None,
        "rejected_requests": int(figures.value("concurrency_rejected_total") or 0),
        "workers": int(figures.value("gatewayz_workers") or 0),
    }


async def provider_timing(view: TrafficView, now: datetime) -> dict[str, Any]:
    """Return how many calls of each offer took long; offers without one are left out."""
    found = await lately.traffic(view, now - timedelta(hours=24), now + timedelta(seconds=1))
    slow = {}
    for part in found.parts:
        fast, not_very_slow = part.latency.at_most((SLOW_MS, VERY_SLOW_MS))
        if part.latency.count > fast:
            slow[f"{part.provider}/{part.model}"] = {
                "slow": not_very_slow - fast,
                "very_slow": part.latency.count - not_very_slow,
            }
    return {
        "metrics_available": True,
        "is_whole": found.is_whole,
        "slow_request_counts": slow,
        "note": _NOTE if found.is_whole else "The database is away: the last hour only.",
        "thresholds": {"slow": "30–45 s", "very_slow": "> 45 s"},  # noqa: RUF001  as the spec writes it
    }


def _status(used_percent: float) -> Literal["healthy", "warning", "critical"]:
    if used_percent >= _CRITICAL_PERCENT:
        return "critical"
    return "warning" if used_percent >= _WARNING_PERCENT else "healthy"
