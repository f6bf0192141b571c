"""The system pages of health (12.1). Source: spec 05 §3.1."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gatewayz import __version__
from gatewayz.domain.health.readings import Component
from gatewayz.domain.health.shown import DayTraffic, ModelStanding, ProviderStanding
from gatewayz.domain.health.standing import Standings
from gatewayz.domain.health.vitals import Answering, Vitals
from gatewayz.domain.observation.totals import total

__all__ = [
    "show_all",
    "show_components",
    "show_dashboard",
    "show_database",
    "show_health",
    "show_insights",
    "show_railway",
    "show_summary",
    "show_system",
    "show_uptime",
]

_DATABASE_TROUBLE: Final = "the database does not answer"
_COLORS: Final = {"online": "green", "degraded": "yellow", "offline": "red", "unknown": "gray"}
_GOOD_PERCENT: Final = 90.0
_POOR_PERCENT: Final = 85.0
_PROBLEM_SHARE: Final = 0.3


def show_health(
    database: Answering,
    redis: Answering | None,
    components: Sequence[Component],
    now: datetime,
    *,
    are_limits_local: bool = False,
) -> dict[str, Any]:
    """Return `GET /health` (12.1.1): degraded when anything of the gateway's own is down. Providers have others.

    :param are_limits_local: limits are counted in this process although they should be shared.
    """
    shown: dict[str, Any] = {
        "status": "healthy",
        "timestamp": now,
        "version": __version__,
        "database": "connected" if database.is_up else "unavailable",
        "redis": _redis(redis),
        "components": {_label(each): each.state for each in components},
    }
    is_down = any(each.state == "down" and each.provider is None for each in components)
    if is_down or not database.is_up or (redis is not None and not redis.is_up):
        shown |= {"status": "degraded", "mode": "degraded"}
    if not database.is_up:
        shown["database_error"] = _DATABASE_TROUBLE
    if are_limits_local:
        shown |= {"status": "degraded", "mode": "degraded", "limits": "process memory: Redis does not answer"}
    return shown


def show_railway(database: Answering, redis: Answering | None, standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/railway` (12.1.3): `warming_up` until something was seen of a provider."""
    system = standings.system
    is_warm = system.tracked_providers > 0
    status = "healthy" if is_warm else "warming_up"
    if not database.is_up or (redis is not None and not redis.is_up) or system.overall_status == "unhealthy":
        status = "degraded"
    return {
        "status": status,
        "database": "connected" if database.is_up else "unavailable",
        "redis": _redis(redis),
        "health_cache": "warm" if is_warm else "empty",
        "gateways": {
            "healthy": system.healthy_gateways,
            "total": system.total_gateways,
            "tracked": system.tracked_providers,
            "health_rate": _percent(system.healthy_gateways, system.tracked_providers),
        },
        "timestamp": now,
    }


async def show_system(vitals: Vitals, standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/system` (12.1.4)."""
    process = await vitals.process()
    return {
        **msgspec.structs.asdict(standings.system),
        "last_updated": now,
        "uptime_seconds": round(vitals.uptime_s, 3),
        "memory": {"rss_mb": process.rss_mb, "percent": process.memory_percent},
        "cpu": {"percent": process.cpu_percent, "load": process.load},
        "connections": {
            "active": process.inbound,
            "outbound": process.outbound,
            "open_files": process.open_files,
        },
    }


def show_database(database: Answering, now: datetime) -> dict[str, Any]:
    """Return `GET /health/database` (12.1.5); a process that serves has opened and migrated its store."""
    return {
        "status": "healthy" if database.is_up else "unhealthy",
        "database": "connected" if database.is_up else "unavailable",
        "connection": database.connection,
        "initialization": "completed",
        "retry_count": database.failures,
        "latency_ms": database.latency_ms,
        "checked_at": database.at,
        "timestamp": now,
    }


def show_components(components: Sequence[Component], now: datetime) -> dict[str, Any]:
    """Return `GET /health/components`: what each health check saw last."""
    states = [each.state for each in components]
    worst = next((state for state in ("down", "degraded", "unknown", "up") if state in states), "unknown")
    return {"status": worst, "components": components, "total": len(components), "timestamp": now}


def show_all(database: Answering, standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/all` (12.1.6)."""
    system = standings.system
    is_good = database.is_up and system.overall_status in ("healthy", "unknown")
    return {
        "status": "healthy" if is_good else "degraded",
        "overall_status": system.overall_status,
        "timestamp": now,
        "system": system,
        "providers": {
            "total": system.total_providers,
            "tracked": system.tracked_providers,
            "healthy": system.healthy_providers,
            "degraded": system.degraded_providers,
            "unhealthy": system.unhealthy_providers,
            "details": standings.providers,
        },
        "models": {
            "total": system.total_models,
            "tracked": system.tracked_models,
            "healthy": system.healthy_models,
            "degraded": system.degraded_models,
            "unhealthy": system.unhealthy_models,
            "details": standings.models,
        },
        "database": {
            "status": "connected" if database.is_up else "unavailable",
            "initialized": True,
            "error": None if database.is_up else _DATABASE_TROUBLE,
        },
    }


def show_summary(standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/summary` (12.1.7)."""
    checked = [each.last_checked for each in standings.providers if each.last_checked is not None]
    return {
        "system": standings.system,
        "providers": standings.providers,
        "models": standings.models,
        "scores": {each.provider: each.health_score for each in standings.providers},
        "monitoring_active": True,
        "last_check": max(checked, default=None),
        "timestamp": now,
    }


def show_uptime(day: DayTraffic, standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/uptime` (12.1.8): requests of 24 hours; callers' own faults are no failures."""
    whole = total(day.parts.values())
    failed = max(0, whole.failed_requests - whole.caller_faults)
    last_failures = [each.last_failure for each in standings.models if each.last_failure is not None]
    return {
        "status": _UPTIME[standings.system.overall_status],
        "uptime_percentage": _percent(whole.requests - failed, whole.requests),
        "response_time_avg": whole.latency.mean(),
        "last_incident": max(last_failures, default=None),
        "total_requests": whole.requests,
        "successful_requests": whole.requests - failed,
        "failed_requests": failed,
        "error_rate": _percent(failed, whole.requests),
        "covers": "24h" if day.is_whole else "1h",
        "last_updated": now,
    }


def show_insights(standings: Standings, unconfigured: Sequence[str], now: datetime) -> dict[str, Any]:
    """Return `GET /health/insights` (12.1.9)."""
    system = standings.system
    percentage = system.system_uptime
    if percentage is None:
        advice = "Send a request, or configure health checks: nothing was called or probed yet."
        return {
            "status": "unknown",
            "message": "No model was called or probed lately.",
            "recommendation": advice,
            "recommendations": [{"priority": "LOW", "action": "Gather data", "details": advice}],
            "unconfigured_gateways": unconfigured,
            "timestamp": now,
        }
    problems = [shown for each in standings.providers if (shown := _problem(each)) is not None]
    return {
        "timestamp": now,
        "overall_health": {
            "status": system.overall_status,
            "health_percentage": f"{percentage:.1f}%",
            "healthy_models": system.healthy_models,
            "unhealthy_models": system.unhealthy_models,
            "degraded_models": system.degraded_models,
            "total_models": system.tracked_models,
        },
        "gateways": {
            "total": system.total_gateways,
            "healthy": system.healthy_gateways,
            "unconfigured": len(unconfigured),
        },
        "unhealthy_models_by_provider": _unhealthy(standings.models),
        "problematic_providers": problems,
        "unconfigured_gateways": unconfigured,
        "recommendations": _recommendations(percentage, problems),
    }


def show_dashboard(day: DayTraffic, standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/dashboard` (12.1.10)."""
    return {
        "system_status": standings.system,
        "providers": [
            {
                "provider": each.provider,
                "gateway": each.gateway,
                "status": each.status,
                "status_color": _COLORS[each.status],
                "models_count": each.total_models,
                "healthy_count": each.healthy_models,
                "uptime": each.overall_uptime,
                "avg_response_time": each.avg_response_time_ms,
                "health_score": each.health_score,
            }
            for each in standings.providers
        ],
        "models": standings.models,
        "uptime_metrics": show_uptime(day, standings, now),
        "last_updated": now,
        "monitoring_active": True,
    }


_UPTIME: Final = {"healthy": "operational", "degraded": "degraded", "unhealthy": "outage", "unknown": "unknown"}


def _label(component: Component) -> str:
    return component.name if component.place is None else f"{component.name} at {component.place}"


def _redis(redis: Answering | None) -> str:
    if redis is None:
        return "not_configured"
    return "connected" if redis.is_up else "unavailable"


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _unhealthy(models: Sequence[ModelStanding]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in models:
        if each.status == "unhealthy":
            found.setdefault(each.provider, []).append(
                {
                    "model_id": each.model_id,
                    "error_count": each.error_count,
                    "uptime": each.uptime_percentage,
                    "last_checked": each.last_checked,
                    "last_error": each.error_message,
                }
            )
    return found


def _problem(provider: ProviderStanding) -> dict[str, Any] | None:
    """Return a provider of whose models more than 30 % are unhealthy."""
    tracked = provider.healthy_models + provider.degraded_models + provider.unhealthy_models
    if not tracked or provider.unhealthy_models / tracked <= _PROBLEM_SHARE:
        return None
    return {
        "provider": provider.provider,
        "gateway": provider.gateway,
        "total_models": tracked,
        "unhealthy_models": provider.unhealthy_models,
        "failure_rate": round(provider.unhealthy_models / tracked, 4),
        "status": provider.status,
        "avg_response_time_ms": provider.avg_response_time_ms,
    }


def _recommendations(percentage: float, problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if percentage < _GOOD_PERCENT:
        found.append(
            {
                "priority": "CRITICAL" if percentage < _POOR_PERCENT else "HIGH",
                "action": "Look at the unhealthy models",
                "details": f"{percentage:.1f} % of the models that were called are healthy",
            }
        )
    found += [
        {
            "priority": "HIGH",
            "action": f"Look at {each['provider']}",
            "details": f"{each['unhealthy_models']} of {each['total_models']} models fail there",
            "provider": each["provider"],
        }
        for each in problems
    ]
    return found
