"""Where this process sends logs and traces. Source: spec 05 §4 (13.11)."""

from datetime import datetime
from typing import Any

from gatewayz.config.sections.tracing import Tracing
from gatewayz.config.settings import Settings
from gatewayz.telemetry.redact import redact

__all__ = ["health"]


def health(settings: Settings, now: datetime) -> dict[str, Any]:
    """Return `GET /api/instrumentation/health`.

    Nothing is pushed to Loki: log lines go to standard error, for whoever collects them there.
    """
    named = {"service_name": settings.tracing.service_name, "environment": settings.environment}
    return {
        "status": "healthy",
        "timestamp": now,
        "loki": {"enabled": False, "url": None, "logs_to": "stderr", "format": settings.logging.format, **named},
        "tempo": _traces(settings.tracing) | named,
    }


def _traces(tracing: Tracing) -> dict[str, Any]:
    """Return where spans go; a password in the address stays here."""
    if not tracing.enabled:
        return {"enabled": False, "endpoint": None}
    return {"enabled": True, "endpoint": redact(tracing.endpoint), "sample": tracing.sample}
