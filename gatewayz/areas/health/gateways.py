"""Gateways one by one (12.4). Source: spec 05 §3.4."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.health.readings import Component
from gatewayz.domain.health.shown import ProviderStanding
from gatewayz.domain.health.standing import Standings
from gatewayz.store.catalog_records import ProviderList

__all__ = ["show_dashboard_data", "show_gateway", "show_gateways", "unconfigured"]

_STATUS: Final = {"online": "healthy", "degraded": "degraded", "offline": "unhealthy", "unknown": "unknown"}
Checks = Sequence[Component]
_LIST_CHECK: Final = "http_probe"
_CHECKED: Final = {"up": "healthy", "degraded": "degraded", "down": "unhealthy", "unknown": "unknown"}
Status = Literal["healthy", "degraded", "unhealthy", "unknown", "unconfigured"]


def show_gateways(gateways: Gateways, standings: Standings, checks: Checks, now: datetime) -> dict[str, Any]:
    """Return `GET /health/gateways` (12.4.1). A configured one that was never called or checked is `unknown`."""
    data = _all(gateways, standings, checks)
    counts = Counter(str(each["status"]) for each in data.values())
    judged = counts["healthy"] + counts["degraded"] + counts["unhealthy"]
    return {
        "success": True,
        "data": data,
        "summary": {
            "total_gateways": len(data),
            "healthy": counts["healthy"],
            "degraded": counts["degraded"],
            "unhealthy": counts["unhealthy"],
            "unknown": counts["unknown"],
            "unconfigured": counts["unconfigured"],
            "overall_health_percentage": round(100 * counts["healthy"] / judged, 2) if judged else None,
        },
        "timestamp": now,
        "metadata": {"source": "traffic and probes", "window_hours": 24},
    }


def show_dashboard_data(gateways: Gateways, standings: Standings, checks: Checks, now: datetime) -> dict[str, Any]:
    """Return `GET /health/gateways/dashboard/data` (12.4.3). Nothing is repaired by looking: `auto_fixed` stays 0."""
    data = _all(gateways, standings, checks)
    counts = Counter(str(each["status"]) for each in data.values())
    return {
        "success": True,
        "timestamp": now,
        "auto_fix": False,
        "summary": {
            "total": len(data),
            "healthy": counts["healthy"],
            "degraded": counts["degraded"],
            "unhealthy": counts["unhealthy"],
            "unknown": counts["unknown"],
            "unconfigured": counts["unconfigured"],
            "auto_fixed": 0,
        },
        "gateways": data,
    }


def show_gateway(
    gateways: Gateways,
    name: str,
    standings: Standings,
    checks: Checks,
    *,
    lists: Sequence[ProviderList] | None,
    now: datetime,
) -> dict[str, Any]:
    """Return `GET /health/{gateway}` (12.4.4).

    :param lists: how it stands with providers' model lists; None when the database is away.
    """
    shown = _gateway(gateways, name, {each.provider: each for each in standings.providers}, checks)
    listed = next((each for each in lists or () if each.provider == name), None)
    count = shown["models"]
    minimum = gateways.display(name).min_models
    cache = {
        "models_cached": count,
        "min_models": minimum,
        "has_enough": count >= minimum,
        "has_data": count > 0,
        "last_refresh": None if listed is None else listed.last_success_at,
        "last_error": None if listed is None else listed.last_error,
    }
    return {"success": True, "gateway": name, "data": {**shown, "cache": cache}, "timestamp": now}


def unconfigured(gateways: Gateways, standings: Standings) -> list[str]:
    """Return the gateways of the public list that are not switched on."""
    return [name for name, shown in _all(gateways, standings, ()).items() if shown["status"] == "unconfigured"]


def _all(gateways: Gateways, standings: Standings, checks: Checks) -> dict[str, dict[str, Any]]:
    known = {each.provider: each for each in standings.providers}
    names = dict.fromkeys([*gateways.known(), *known])
    return {name: _gateway(gateways, name, known, checks) for name in names}


def _gateway(gateways: Gateways, name: str, known: Mapping[str, ProviderStanding], checks: Checks) -> dict[str, Any]:
    """Traffic decides; where there was none, a check that reads the model list does."""
    standing = known.get(name)
    status: str = "unconfigured"
    if standing is not None and standing.is_configured:
        status = _STATUS[standing.status]
    check = next((each for each in checks if each.provider == name and each.check == _LIST_CHECK), None)
    if status == "unknown" and check is not None:
        status = _CHECKED[check.state]
    return {
        "name": gateways.display(name).name,
        "status": status,
        "available": status in ("healthy", "degraded", "unknown"),
        "endpoint_check": None if check is None else check.state,
        "latency_ms": None if standing is None else standing.avg_response_time_ms,
        "last_check": None if standing is None else standing.last_checked,
        "error": "not configured" if status == "unconfigured" else standing.error_message if standing else None,
        "health_score": None if standing is None else standing.health_score,
        "uptime": None if standing is None else standing.overall_uptime,
        "models": 0 if standing is None else standing.total_models,
        "total_requests": 0 if standing is None else standing.total_requests,
        "error_count": 0 if standing is None else standing.error_count,
        "circuit_breaker_state": None if standing is None else standing.circuit_breaker_state,
    }
