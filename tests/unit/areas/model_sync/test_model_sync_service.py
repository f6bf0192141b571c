"""Whether following model lists works, from what is on record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatewayz.areas.admin.caches.service import show_cache
from gatewayz.areas.admin.model_sync.service import show_health, show_run
from gatewayz.config.sections.catalog import CatalogSync
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.store.catalog_records import ProviderList, SyncRun, SyncTotals

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NEVER = SyncTotals(runs=0, successful=0, failed=0)


def read(provider: str, minutes_ago: float | None, error: str | None = None) -> ProviderList:
    at = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return ProviderList(provider=provider, last_run_at=NOW, last_success_at=at, last_error=error, listed=3)


def run(**changes: Any) -> SyncRun:
    fields = {"id": 1, "kind": "full", "started_at": NOW, "ended_at": None, "providers": 4, "done": 1, "failed": 0}
    return SyncRun(**{**fields, "changed": 0, "error": None, **changes})


@pytest.mark.parametrize(
    ("asked", "lists", "enabled", "is_healthy", "reason"),
    [
        ([], [], True, True, "no configured provider has a list to follow"),
        (["a"], [], True, True, "no list has been read yet"),
        (["a"], [read("a", 10)], True, True, "all lists were read"),
        (["a"], [read("a", 61)], True, False, "no list has been read for 61 minutes"),
        (["a"], [read("a", 61)], False, True, "switched off: providers are asked only when an administrator says so"),
        (["a"], [read("a", 5, "500")], True, False, "no provider's list could be read"),
        (["a", "b"], [read("a", 5, "500"), read("b", 5)], True, True, "lists that could not be read: a"),
        (["b"], [read("a", 5, "500"), read("b", 5)], True, True, "all lists were read"),
    ],
)
def test_health(asked: list[str], lists: list[ProviderList], enabled: bool, is_healthy: bool, reason: str) -> None:
    shown = show_health(CatalogSync(enabled=enabled), asked, NOW, runs=[], totals=NEVER, lists=lists)
    assert (shown["is_healthy"], shown["health_reason"], shown["enabled"]) == (is_healthy, reason, enabled)


def test_what_never_happened_is_null() -> None:
    shown = show_health(CatalogSync(), ["a"], NOW, runs=[], totals=NEVER, lists=[])
    nothing = ("last_run_time", "last_success_time", "minutes_since_last_sync", "success_rate", "last_error")
    assert {shown[name] for name in (*nothing, "last_duration_seconds", "last_models_synced")} == {None}
    assert shown["total_runs"] == 0


def test_durations_and_errors_are_those_of_the_last_run_that_ended() -> None:
    ended = run(id=1, ended_at=NOW + timedelta(seconds=3), error="the store went away")
    totals = SyncTotals(runs=4, successful=3, failed=1)
    shown = show_health(CatalogSync(), ["a"], NOW, runs=[run(id=2), ended], totals=totals, lists=[read("a", 1)])
    assert (shown["last_duration_seconds"], shown["last_error"]) == (3.0, "the store went away")
    assert (shown["success_rate"], shown["last_models_synced"]) == (0.75, 3)


def test_progress_is_shown_while_a_run_goes_on() -> None:
    assert (show_run(run(), True) or {})["percent"] == 25
    assert (show_run(run(providers=0, done=0), True) or {})["percent"] == 100
    assert show_run(run(), False) is None, "its process died"
    assert show_run(run(ended_at=NOW), True) is None and show_run(None, True) is None


def test_an_empty_catalog_is_not_valid_and_an_old_one_neither() -> None:
    empty = show_cache(Catalog([]), NOW, [], ttl_s=1800, now=NOW + timedelta(seconds=5))
    assert (empty["has_data"], empty["is_valid"], empty["cache_age_seconds"]) == (False, False, 5)
    unbuilt = show_cache(Catalog([]), None, [], ttl_s=1800, now=NOW)
    assert unbuilt["cache_age_seconds"] is None and unbuilt["total_cached_providers"] == 0
