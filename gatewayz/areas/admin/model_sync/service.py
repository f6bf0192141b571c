"""How following providers' lists fares, as administrators see it. Source: spec 07 §6."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gatewayz.config.sections.catalog import CatalogSync
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.catalog_records import ListedModel, ProviderList, SyncRun, SyncTotals

__all__ = ["check_confirmation", "check_slug", "show_health", "show_look", "show_models", "show_providers", "show_run"]


def check_slug(slug: str, known: Sequence[str], asked: Sequence[str]) -> None:
    """Raise InvalidRequest unless a provider may be asked and is on."""
    if slug not in known:
        message = f"{slug[:80]!r} is no provider whose list is followed."
        raise InvalidRequest(message, param="slug", suggestions=[*known])
    if slug not in asked:
        raise InvalidRequest(f"The provider {slug!r} is not configured, so it cannot be asked.", param="slug")


def check_confirmation(given: str, wanted: str) -> None:
    """Raise InvalidRequest unless the confirmation was typed."""
    if given != wanted:
        raise InvalidRequest(f"To mean it, send ?confirm={wanted}.", param="confirm")


def show_providers(known: Sequence[str], asked: Sequence[str], lists: Sequence[ProviderList]) -> dict[str, Any]:
    """Return which providers there are, which can be asked, and how each list stands."""
    in_database = {each.provider for each in lists}
    return {
        "in_database": len(in_database),
        "with_fetch_functions": len(known),
        "fetchable_in_db": sorted(in_database.intersection(known)),
        "fetchable_not_in_db": sorted({*known} - in_database),
        "configured": list(asked),
        "stats": [msgspec.to_builtins(each) for each in lists],
    }


def show_models(rows: Sequence[ListedModel], shipped: int, served: int) -> dict[str, Any]:
    """Return how many models are listed, in which state, and how many are served in all."""
    states = Counter(row.state for row in rows if row.is_active)
    stats = {
        "listed": len(rows),
        "active": sum(states.values()),
        "inactive": len(rows) - sum(states.values()),
        **{state: states[state] for state in ("priced", "confirmed", "unpriced", "refused")},
        "shipped": shipped,
        "served": served,
    }
    return {"stats": stats}


def show_run(run: SyncRun | None, is_running: bool) -> dict[str, Any] | None:
    """Return the progress of a run that is going on, else None."""
    if run is None or run.ended_at is not None or not is_running:
        return None
    return {
        "kind": run.kind,
        "started_at": run.started_at,
        "providers": run.providers,
        "done": run.done,
        "failed": run.failed,
        "changed": run.changed,
        "percent": round(100 * run.done / run.providers) if run.providers else 100,
    }


def show_health(
    rules: CatalogSync,
    asked: Sequence[str],
    now: datetime,
    *,
    runs: Sequence[SyncRun],
    totals: SyncTotals,
    lists: Sequence[ProviderList],
) -> dict[str, Any]:
    """Return whether following works; what never happened is null."""
    ended = next((run for run in runs if run.ended_at is not None), None)
    good = [each.last_success_at for each in lists if each.last_success_at is not None]
    minutes = None if not good else (now - max(good)).total_seconds() / 60
    is_healthy, reason = _verdict(rules, {each.provider: each for each in lists}, asked, minutes)
    failed = next((each.last_error for each in lists if each.last_error), None)
    return {
        "is_healthy": is_healthy,
        "health_reason": reason,
        "enabled": rules.enabled,
        "last_run_time": runs[0].started_at if runs else None,
        "last_success_time": max(good) if good else None,
        "minutes_since_last_sync": None if minutes is None else round(minutes, 1),
        "total_runs": totals.runs,
        "successful_runs": totals.successful,
        "failed_runs": totals.failed,
        "success_rate": round(totals.successful / totals.runs, 4) if totals.runs else None,
        "last_error": (ended.error if ended else None) or failed,
        "last_duration_seconds": (ended.ended_at - ended.started_at).total_seconds()
        if ended and ended.ended_at
        else None,
        "last_models_synced": sum(each.listed for each in lists) if lists else None,
        "sync_interval_minutes": rules.interval_s / 60,
    }


def _verdict(
    rules: CatalogSync, lists: Mapping[str, ProviderList], asked: Sequence[str], minutes: float | None
) -> tuple[bool, str]:
    if not asked:
        return True, "no configured provider has a list to follow"
    if not rules.enabled:
        return True, "switched off: providers are asked only when an administrator says so"
    failing = [name for name in asked if name in lists and lists[name].last_error]
    if len(failing) == len(asked):
        return False, "no provider's list could be read"
    if minutes is None:
        return True, "no list has been read yet"
    if minutes * 60 > 2 * rules.interval_s:
        return False, f"no list has been read for {minutes:.0f} minutes"
    return True, f"lists that could not be read: {', '.join(failing)}" if failing else "all lists were read"


def show_look(found: ProviderList, models: Sequence[ListedModel]) -> dict[str, Any]:
    """Return what a list would come to, its models not kept."""
    return {
        "provider": found.provider,
        "dry_run": True,
        "counts": {state: getattr(found, state) for state in ("listed", "priced", "confirmed", "unpriced", "refused")},
        "models": [{"id": each.native, "model": each.model, "state": each.state} for each in models],
    }
