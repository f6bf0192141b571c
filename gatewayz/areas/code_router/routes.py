"""`/code-router`. No provider is called. Source: spec 06 §1.4 (cases 6.1 to 6.5)."""

from typing import Final

from quart import Response

from gatewayz.areas.code_router.schema import SettingsBody, TryBody
from gatewayz.areas.code_router.service import check_settings, code_router, options, tried_call
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_code_router_options(call: Call) -> Response:
    """What a settings page can offer."""
    return json_response(options(code_router(call.edition.pools)))


async def show_code_router_tiers(call: Call) -> Response:
    """The tiers, their models and benchmarks."""
    return json_response({"success": True, **code_router(call.edition.pools).describe()["tiers"]})


async def show_code_router_stats(call: Call) -> Response:
    """What the router has decided so far."""
    return json_response({"success": True, "stats": code_router(call.edition.pools).stats()})


async def try_code_router(call: Call) -> Response:
    """What the router would choose for a prompt, and why."""
    body = await read_json(TryBody)
    edition = call.edition
    router = code_router(edition.pools)
    routing_call = tried_call(body, router)
    started = edition.clock.monotonic()
    report = router.preview(routing_call, edition.pools.offers(edition.catalog), edition.signals).report()
    took_ms = (edition.clock.monotonic() - started) * 1000.0
    return json_response({**report, "routing_latency_ms": round(took_ms, 3)})


async def check_code_router_settings(call: Call) -> Response:
    """Whether settings can be used."""
    body = await read_json(SettingsBody)
    return json_response(check_settings(body, code_router(call.edition.pools), call.edition.catalog))


_AT: Final = "/code-router"

ROUTES: Final = (
    Route(method="GET", path=f"{_AT}/settings/options", handler=show_code_router_options, guard="public"),
    Route(method="GET", path=f"{_AT}/tiers", handler=show_code_router_tiers, guard="public"),
    Route(method="GET", path=f"{_AT}/stats", handler=show_code_router_stats, guard="public"),
    Route(method="POST", path=f"{_AT}/test", handler=try_code_router, guard="public", body=TryBody),
    Route(
        method="POST",
        path=f"{_AT}/settings/validate",
        handler=check_code_router_settings,
        guard="public",
        body=SettingsBody,
    ),
)
