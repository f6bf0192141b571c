"""The root page and what a supervisor asks. Source: spec 05 §1, §3.1; design 9."""

import time
from datetime import UTC, datetime
from typing import Any, Final

from quart import Response

from gatewayz import __version__
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_root(call: Call) -> Response:
    """What this is and where to go."""
    return json_response(
        {
            "name": "Gatewayz Inference API",
            "version": __version__,
            "description": "One API key, every AI model, automatic reliability, one bill.",
            "status": "active",
            "models": len(call.edition.catalog.models()),
            "providers": len(call.edition.providers),
        }
    )


async def show_health(call: Call) -> Response:
    """The truth in the body, always with status 200."""
    trouble = await call.edition.store.check()
    shown: dict[str, Any] = {
        "status": "degraded" if trouble else "healthy",
        "timestamp": datetime.now(UTC).isoformat(),
        "version": __version__,
        "database": "unavailable" if trouble else "connected",
    }
    if trouble:
        shown |= {"mode": "degraded", "database_error": trouble}
    if call.services.limiter.is_degraded:
        shown |= {"status": "degraded", "mode": "degraded", "limits": "process memory: Redis does not answer"}
    return json_response(shown)


async def show_liveness(call: Call) -> Response:
    """The process is running and its loop turns."""
    return json_response({"status": "alive", "uptime_seconds": round(time.monotonic() - _STARTED, 3)})


async def show_readiness(call: Call) -> Response:
    """The process can take work: 200, else 503 with the reason."""
    trouble = await call.edition.store.check()
    if not trouble and not call.edition.providers:
        trouble = "no provider is configured"
    if trouble:
        return json_response({"status": "not_ready", "reason": trouble}, 503)
    return json_response({"status": "ready"})


_STARTED: Final = time.monotonic()

ROUTES: Final = (
    Route(method="GET", path="/", handler=show_root, guard="public"),
    Route(method="GET", path="/health", handler=show_health, guard="public"),
    Route(method="GET", path="/livez", handler=show_liveness, guard="public"),
    Route(method="GET", path="/readyz", handler=show_readiness, guard="public"),
)
