"""What the metrics endpoints answer with. Source: spec 05 §4 (13.1 to 13.5)."""

from datetime import datetime
from typing import Any, Final

from gatewayz.config.sections.observing import Metrics as Rules
from gatewayz.config.settings import Settings
from gatewayz.domain.observation.sketch import Sketch
from gatewayz.telemetry.metrics.exposition import content_type, render
from gatewayz.telemetry.metrics.families import families
from gatewayz.telemetry.metrics.request_record import Answered
from gatewayz.telemetry.metrics.snapshot import Figures

__all__ = ["exposition", "health", "parsed", "status", "summary"]

_DASHBOARDS: Final = ("docs/operations/grafana-dashboard.json",)
_NAMES_SHOWN: Final = 20
_OFF: Final = "disabled"


def exposition(figures: Figures, rules: Rules, accept: str) -> tuple[bytes, str]:
    """Return the text that Prometheus reads, and its content type."""
    form = content_type(accept)
    return render(families(figures, rules), form), form


def parsed(figures: Figures) -> dict[str, Any]:
    """Return seconds by endpoint, and counts by endpoint and method. Errors are statuses from 400 on, but 499."""
    latency: dict[str, Sketch] = {}
    requests: dict[str, dict[str, int]] = {}
    errors: dict[str, dict[str, int]] = {}
    for (method, endpoint), answered in sorted(figures.requests.items()):
        latency.setdefault(endpoint, Sketch()).merge(answered.duration_ms)
        requests.setdefault(endpoint, {})[method] = sum(answered.statuses.values())
        if failed := _failed(answered):
            errors.setdefault(endpoint, {})[method] = failed
    return {
        "latency": {endpoint: _latency(sketch) for endpoint, sketch in latency.items()},
        "requests": requests,
        "errors": errors,
    }


def status(figures: Figures, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return `GET /api/metrics/status`. Figures are always measured: there is no mode but `live`."""
    is_up = _is_database_up(figures)
    return {
        "status": "healthy" if is_up else "degraded",
        "mode": "live",
        "supabase_available": is_up,
        "database_available": is_up,
        "app_name": "gatewayz",
        "service_name": "gatewayz",
        "environment": settings.environment,
        "workers": _whole(figures, "gatewayz_workers"),
        "timestamp": now,
        "metrics_endpoint": "/metrics",
        "grafana_compatible": True,
        "supported_dashboards": _DASHBOARDS,
    }


def summary(figures: Figures, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return `GET /api/metrics/summary`: the names of metrics that have samples now."""
    names = sorted(family.name for family in families(figures, settings.observation.metrics))
    return {
        **status(figures, settings, now),
        "registered_metrics": len(names),
        "metrics": names[:_NAMES_SHOWN],
    }


def health(figures: Figures, settings: Settings, now: datetime) -> dict[str, Any]:
    """Return `GET /api/metrics/health`."""
    is_up = _is_database_up(figures)
    lost = _whole(figures, "gatewayz_usage_rows_dropped_total")
    components: dict[str, dict[str, Any]] = {
        "prometheus": {"status": "healthy", "workers": _whole(figures, "gatewayz_workers")},
        "database": {"status": "healthy" if is_up else "unhealthy"},
        "supabase": {"status": "healthy" if is_up else "unhealthy", "available": is_up},
        "opentelemetry": {
            "status": "healthy" if settings.tracing.enabled else _OFF,
            "enabled": settings.tracing.enabled,
        },
        "observation": {"status": "healthy", "pending_events": _whole(figures, "gatewayz_observation_pending")},
        "usage_log": {
            "status": "degraded" if lost else "healthy",
            "enabled": settings.usage_log.enabled,
            "pending": _whole(figures, "gatewayz_usage_rows_pending"),
            "dropped": lost,
        },
    }
    is_well = all(component["status"] in ("healthy", _OFF) for component in components.values())
    return {"status": "healthy" if is_well else "degraded", "timestamp": now, "components": components}


def _is_database_up(figures: Figures) -> bool:
    return figures.value("database_up") == 1


def _whole(figures: Figures, name: str) -> int | None:
    value = figures.value(name)
    return None if value is None else int(value)


def _failed(answered: Answered) -> int:
    return sum(count for status, count in answered.statuses.items() if status >= 400 and status != 499)


def _latency(sketch: Sketch) -> dict[str, float | None]:
    return {
        "avg": _seconds(sketch.mean()),
        **{f"p{share * 100:.0f}": _seconds(sketch.quantile(share)) for share in (0.5, 0.95, 0.99)},
    }


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 6)
