"""Where this process sends logs and traces. Source: spec 05 §4 (13.11)."""

from datetime import datetime
from typing import Any, Final

from gatewayz.config.settings import Settings

__all__ = ["health"]

_SERVICE: Final = "gatewayz"


def health(settings: Settings, now: datetime) -> dict[str, Any]:
    """Return `GET /api/instrumentation/health`.

    Nothing is pushed to Loki: log lines go to standard error, for whoever collects them there.
    """
    named = {"service_name": _SERVICE, "environment": settings.environment}
    return {
        "status": "healthy",
        "timestamp": now,
        "loki": {"enabled": False, "url": None, "logs_to": "stderr", "format": settings.logging.format, **named},
        "tempo": {"enabled": False, "endpoint": None, **named},
    }
