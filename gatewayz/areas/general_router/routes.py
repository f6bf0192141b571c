"""`/general-router`. No provider is called. Source: spec 06 §2 (cases 7.1 to 7.5)."""

from typing import Final

from quart import Response

from gatewayz.areas.general_router import service
from gatewayz.areas.general_router.schema import TryBody
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_general_router_options(call: Call) -> Response:
    """What a settings page can offer."""
    return json_response(service.options(service.general_router(call.edition.pools)))


async def list_general_router_models(call: Call) -> Response:
    """The models it chooses among."""
    return json_response(service.models(service.general_router(call.edition.pools)))


async def show_general_router_fallbacks(call: Call) -> Response:
    """The models of each mode when nothing can be decided."""
    return json_response(service.fallback_models(service.general_router(call.edition.pools)))


async def show_general_router_stats(call: Call) -> Response:
    """What the router has decided so far."""
    return json_response(service.stats(service.general_router(call.edition.pools)))


async def try_general_router(call: Call) -> Response:
    """What the router would choose for a conversation, and why."""
    body = await read_json(TryBody)
    edition = call.edition
    router = service.general_router(edition.pools)
    routing_call = service.tried_call(body, router)
    started = edition.clock.monotonic()
    report = router.preview(routing_call, edition.pools.offers(edition.catalog), edition.signals).report()
    took_ms = (edition.clock.monotonic() - started) * 1000.0
    return json_response({**report, "routing_latency_ms": round(took_ms, 3)})


_AT: Final = "/general-router"

ROUTES: Final = (
    Route(method="GET", path=f"{_AT}/settings/options", handler=show_general_router_options, guard="public"),
    Route(method="GET", path=f"{_AT}/models", handler=list_general_router_models, guard="public"),
    Route(method="GET", path=f"{_AT}/fallback-models", handler=show_general_router_fallbacks, guard="public"),
    Route(method="GET", path=f"{_AT}/stats", handler=show_general_router_stats, guard="public"),
    Route(method="POST", path=f"{_AT}/test", handler=try_general_router, guard="public", body=TryBody),
)
