"""The root page, `/ping`, and what a supervisor asks. Source: spec 05 §1; design 9."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from quart import Response

from gatewayz.areas.system import service
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES", "root_route"]


def root_route(routes: Callable[[], Iterable[Route]]) -> Route:
    """Return the route of the root page; `routes` gives all of them, this one among them."""

    async def show_root(call: Call) -> Response:
        """What this is and where to go (1.1)."""
        return json_response(service.show_root(call.edition, routes()))

    return Route(method="GET", path="/", handler=show_root, guard="public")


async def ping(call: Call) -> Response:
    """A sign of life, counted (1.2)."""
    uptime_s = call.services.vitals.uptime_s
    return json_response(
        {
            "message": "pong",
            "pong": True,
            "count": await call.services.pings.count(),
            "timestamp": call.services.clock.now(),
            "uptime": service.show_uptime(uptime_s),
            "uptime_seconds": round(uptime_s, 3),
        }
    )


async def show_ping_stats(call: Call) -> Response:
    """How often `/ping` was asked (1.3)."""
    stats = await call.services.pings.stats()
    shown = {**msgspec.structs.asdict(stats), "updated_at": stats.last_ping_at}
    return json_response({**shown, "timestamp": call.services.clock.now()})


async def show_liveness(call: Call) -> Response:
    """The process is running and its loop turns."""
    return json_response({"status": "alive", "uptime_seconds": round(call.services.vitals.uptime_s, 3)})


async def show_readiness(call: Call) -> Response:
    """The process can take work: 200, else 503 with the reason."""
    database = await call.services.vitals.database()
    trouble = None if database.is_up else "the database does not answer"
    if not trouble and not call.edition.providers:
        trouble = "no provider is configured"
    if trouble:
        return json_response({"status": "not_ready", "reason": trouble}, 503)
    return json_response({"status": "ready"})


ROUTES: Final = (
    Route(method="GET", path="/ping", handler=ping, guard="public"),
    Route(method="GET", path="/ping/stats", handler=show_ping_stats, guard="public"),
    Route(method="GET", path="/livez", handler=show_liveness, guard="public"),
    Route(method="GET", path="/readyz", handler=show_readiness, guard="public"),
)
