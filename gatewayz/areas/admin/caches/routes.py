"""`/admin/cache-status`, `/admin/refresh-providers`, `/admin/cache/*`, `/admin/clear-*`. Source: spec 07 §5."""

from typing import Final

import msgspec
from quart import Response

from gatewayz.areas.admin.caches.schema import ClearQuery
from gatewayz.areas.admin.caches.service import cleared_gateways, show_cache
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_status(call: Call) -> Response:
    """How fresh the catalog in memory is (24.5.1)."""
    services, now = call.services, call.services.clock.now()
    info = show_cache(
        call.edition.catalog,
        services.catalog_source.built_at,
        await services.store.catalog.lists(),
        ttl_s=call.edition.settings.catalog_sync.interval_s,
        now=now,
    )
    return json_response({"status": "success", "cache_info": info, "timestamp": now})


async def refresh_providers(call: Call) -> Response:
    """Ask every configured provider for its list, in the background (24.5.2)."""
    services = call.services
    names = services.catalog_sync.sync.asked()
    message = "No configured provider's list is to be read."
    if names:
        await services.catalog_sync.start("full", names)
        message = f"Asking {len(names)} providers; /admin/model-sync/status shows how far."
    return json_response(
        {"status": "success", "message": message, "total_providers": len(names), "timestamp": services.clock.now()}
    )


async def clear(call: Call) -> Response:
    """Build the catalog anew from files and store, and forget kept answers, in every process (24.5.3)."""
    services, gateway = call.services, read_query(ClearQuery).gateway
    names = cleared_gateways(call.edition.catalog, list(call.edition.settings.providers), gateway)
    await services.store.catalog.announce()
    if gateway is None:
        await services.response_cache.clear()
    await services.catalog_sync.catch_up()
    told = {"gateways_cleared": names} if gateway is None else {"gateway": names[0]}
    message = "The catalog was built anew from the settings, the shipped catalog and the lists that were read."
    if gateway is None:
        message += " Answers in the response cache are forgotten."
    return json_response({"success": True, "message": message, **told, "timestamp": services.clock.now()})


async def show_answers(call: Call) -> Response:
    """What the response cache of this process holds and did."""
    services = call.services
    stats = msgspec.to_builtins(services.response_cache.stats())
    enabled = call.edition.settings.response_cache.enabled
    return json_response({"enabled": enabled, **stats, "timestamp": services.clock.now()})


async def clear_answers(call: Call) -> Response:
    """Forget kept answers, in every process."""
    services = call.services
    await services.response_cache.clear()
    message = "Answers in the response cache are forgotten; other processes follow within seconds."
    return json_response({"success": True, "message": message, "timestamp": services.clock.now()})


async def clear_limits(call: Call) -> Response:
    """Have every process read keys with their limits, and the allowlist, again; counters stay (24.5.4)."""
    services = call.services
    await services.store.identity.forget_everybody(services.clock.now())
    await services.authenticator.catch_up()
    await services.allowlist.refresh()
    message = (
        "Keys with their limits, refused keys and the allowlist are read again by every process. "
        "Counters were not touched: what was used up stays used up."
    )
    return json_response({"status": "success", "message": message, "timestamp": services.clock.now()})


ROUTES: Final = (
    Route(method="GET", path="/admin/cache-status", handler=show_status, guard="admin"),
    Route(method="POST", path="/admin/refresh-providers", handler=refresh_providers, guard="admin"),
    Route(method="POST", path="/admin/cache/clear", handler=clear, guard="admin", query=ClearQuery),
    Route(method="GET", path="/admin/cache/answers", handler=show_answers, guard="admin"),
    Route(method="POST", path="/admin/cache/answers/clear", handler=clear_answers, guard="admin"),
    Route(method="POST", path="/admin/clear-rate-limit-cache", handler=clear_limits, guard="admin"),
)
