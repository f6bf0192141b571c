"""`/admin/model-sync`. Source: spec 07 §6 (cases 24.6.1 to 24.6.4)."""

from collections.abc import Sequence
from typing import Any, Final

from quart import Response

from gatewayz.areas.admin.model_sync.schema import ConfirmQuery, ProviderQuery
from gatewayz.areas.admin.model_sync.service import (
    check_confirmation,
    check_slug,
    show_health,
    show_look,
    show_models,
    show_providers,
    show_run,
)
from gatewayz.domain.catalog_sync.sync import syncable
from gatewayz.sdk.errors import Conflict
from gatewayz.store.catalog_records import Kind
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_status(call: Call) -> Response:
    """Providers, models, and the run that is going on (24.6.1)."""
    services = call.services
    known, asked = syncable(call.edition.settings), services.catalog_sync.sync.asked()
    lists, (_, rows) = await services.store.catalog.lists(), await services.store.catalog.listings()
    runs = await services.store.catalog.runs(1)
    is_running = await services.catalog_sync.is_running()
    return json_response(
        {
            "providers": show_providers(known, asked, lists),
            "models": show_models(rows, services.catalog_source.shipped_models, len(call.edition.catalog.models())),
            "fetchable_providers": known,
            "running": show_run(runs[0] if runs else None, is_running),
            "timestamp": services.clock.now(),
        }
    )


async def show_health_of_sync(call: Call) -> Response:
    """Whether following works (24.6.2)."""
    store, now = call.services.store.catalog, call.services.clock.now()
    asked = call.services.catalog_sync.sync.asked()
    runs, totals, lists = await store.runs(10), await store.totals(), await store.lists()
    rules = call.edition.settings.catalog_sync
    return json_response(show_health(rules, asked, now, runs=runs, totals=totals, lists=lists))


async def list_providers(call: Call) -> Response:
    """The providers whose lists can be followed (24.6.3)."""
    names = syncable(call.edition.settings)
    return json_response({"providers": names, "count": len(names)})


async def trigger(call: Call) -> Response:
    """Ask every configured provider, in the background (24.6.4); when that is under way already, say so."""
    try:
        return await _start(call, "full", call.services.catalog_sync.sync.asked())
    except Conflict as running:
        return _done(call, running.message, {"providers": []})


async def sync_due(call: Call) -> Response:
    """Ask the providers whose lists are old, in the background."""
    return await _start(call, "incremental", await call.services.catalog_sync.sync.due())


async def sync_provider(call: Call, slug: str) -> Response:
    """Ask one provider and wait for it; with `dry_run` keep nothing."""
    services, query = call.services, read_query(ProviderQuery)
    job = services.catalog_sync
    check_slug(slug, syncable(call.edition.settings), job.sync.asked())
    if query.dry_run:
        found, models = await job.sync.look(slug)
        return _done(call, f"{found.listed} models listed, nothing kept.", show_look(found, models))
    await job.run("provider", [slug])
    (found,) = [each for each in await services.store.catalog.lists() if each.provider == slug]
    if found.last_error is not None:
        message = f"The list could not be read: {found.last_error}. The last good one stays."
        return _done(call, message, found, is_good=False)
    return _done(call, f"{found.listed} models listed.", found)


async def reset(call: Call) -> Response:
    """Forget every list, then ask again in the background."""
    check_confirmation(read_query(ConfirmQuery).confirm, "reset-and-resync")
    services = call.services
    await services.catalog_sync.check_idle()
    await services.store.catalog.forget(lists=True)
    await services.catalog_sync.catch_up()
    return await _start(call, "full", services.catalog_sync.sync.asked())


async def flush_models(call: Call) -> Response:
    """Forget every model that providers have listed; the shipped catalog and the settings stay."""
    check_confirmation(read_query(ConfirmQuery).confirm, "flush-models")
    return await _forget(call, lists=False)


async def flush_providers(call: Call) -> Response:
    """Forget that providers were asked, and what they said."""
    check_confirmation(read_query(ConfirmQuery).confirm, "flush-providers")
    return await _forget(call, lists=True)


async def _forget(call: Call, *, lists: bool) -> Response:
    await call.services.catalog_sync.check_idle()
    gone = await call.services.store.catalog.forget(lists=lists)
    await call.services.catalog_sync.catch_up()
    return _done(call, f"{gone} listed models were forgotten.", {"models": gone})


async def _start(call: Call, kind: Kind, names: Sequence[str]) -> Response:
    if not names:
        return _done(call, "No configured provider's list is to be read.", {"providers": []})
    await call.services.catalog_sync.start(kind, names)
    return _done(call, f"Asking {len(names)} providers; /admin/model-sync/status shows how far.", {"providers": names})


def _done(call: Call, message: str, details: Any, *, is_good: bool = True) -> Response:
    now = call.services.clock.now()
    return json_response({"success": is_good, "message": message, "details": details, "timestamp": now})


_SYNC: Final = "/admin/model-sync"
_PROVIDER: Final = f"{_SYNC}/provider/<string(maxlength=64):slug>"

ROUTES: Final = (
    Route(method="GET", path=f"{_SYNC}/status", handler=show_status, guard="admin"),
    Route(method="GET", path=f"{_SYNC}/health", handler=show_health_of_sync, guard="admin"),
    Route(method="GET", path=f"{_SYNC}/providers", handler=list_providers, guard="public"),
    Route(method="POST", path=f"{_SYNC}/trigger", handler=trigger, guard="admin"),
    Route(method="POST", path=f"{_SYNC}/all", handler=trigger, guard="admin"),
    Route(method="POST", path=f"{_SYNC}/full", handler=trigger, guard="admin"),
    Route(method="POST", path=f"{_SYNC}/incremental", handler=sync_due, guard="admin"),
    Route(method="POST", path=_PROVIDER, handler=sync_provider, guard="admin", query=ProviderQuery),
    Route(method="POST", path=f"{_SYNC}/reset-and-resync", handler=reset, guard="admin", query=ConfirmQuery),
    Route(method="DELETE", path=f"{_SYNC}/flush-models", handler=flush_models, guard="admin", query=ConfirmQuery),
    Route(method="DELETE", path=f"{_SYNC}/flush-providers", handler=flush_providers, guard="admin", query=ConfirmQuery),
)
