"""Asking providers for their lists: who is due, what a failure leaves, and that one process works at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.config.settings import Settings
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.domain.catalog_sync.sync import CatalogSync, syncable
from gatewayz.jobs.catalog_sync import CatalogSyncJob
from gatewayz.sdk.errors import Conflict, StoreUnavailable, UpstreamBroken
from gatewayz.sdk.interfaces import Capabilities, Provider
from gatewayz.sdk.offers import ModelListing, Price
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

SETTINGS: dict[str, Any] = {
    "providers": {
        "a": {"use": "x", "display": {"name": "A"}},
        "b": {"use": "x", "display": {"name": "B"}},
        "own": {"use": "x"},
        "quiet": {"use": "x", "display": {"name": "Q", "is_syncable": False}},
        "off": {"use": "x", "display": {"name": "Off"}},
    },
    "catalog_sync": {"interval_s": 100, "retry_s": 10, "concurrency": 1},
}


class Lister:
    """A provider that lists what it is told to."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.listed: Sequence[ModelListing] | Exception = (ModelListing(id="m", price=Price(input=1, output=2)),)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    async def list_models(self) -> Sequence[ModelListing]:
        self.asked += 1
        await self.gate.wait()
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed


class Bench:
    """Two processes on one store."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.providers = {name: Lister() for name in ("a", "b", "own", "quiet")}
        self.settings = msgspec.convert(SETTINGS, Settings)
        self.caught_up = 0
        self.here, self.there = self._job("one"), self._job("two")

    def _job(self, holder: str) -> CatalogSyncJob:
        sync = CatalogSync(
            self.store.catalog,
            CatalogSource(self.store.catalog, self.clock),
            self.clock,
            providers=self._on,
            settings=lambda: self.settings,
        )
        return CatalogSyncJob(
            sync,
            self.store.leases,
            self.clock,
            holder=holder,
            is_enabled=lambda: self.settings.catalog_sync.enabled,
            catch_up=self._catch_up,
        )

    def _on(self) -> dict[str, Provider]:
        return {**self.providers}  # type: ignore[dict-item]

    async def _catch_up(self) -> None:
        (run, *_) = await self.store.catalog.runs(1)
        assert run.ended_at is None, "who sees that a run has ended may call what it found"
        self.caught_up += 1

    async def errors(self) -> dict[str, str | None]:
        return {each.provider: each.last_error for each in await self.store.catalog.lists()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    found = Bench(store)
    yield found
    await found.here.aclose()
    await found.there.aclose()
    await store.aclose()


async def test_providers_that_are_on_and_followed_are_asked_when_their_list_is_old(bench: Bench) -> None:
    sync = bench.here.sync
    assert syncable(bench.settings) == ["a", "b", "off"] and sync.asked() == ["a", "b"]
    assert await sync.due() == ["a", "b"]
    bench.providers["b"].listed = UpstreamBroken("nonsense")
    assert await sync.run("incremental", ["a", "b"], bench.here.catch_up) == 1
    assert await sync.due() == []
    bench.clock.advance(10)
    assert await sync.due() == ["b"], "failures are asked again sooner"
    bench.clock.advance(90)
    assert await sync.due() == ["a", "b"]


async def test_a_failure_keeps_the_last_good_list(bench: Bench) -> None:
    await bench.here.run("full", ["a"])
    good = await bench.store.catalog.listings()
    for bad in (UpstreamBroken("nonsense"), ()):
        bench.providers["a"].listed = bad
        await bench.here.run("full", ["a"])
        assert await bench.store.catalog.listings() == good
        assert (await bench.errors())["a"] in ("nonsense", "its model list is empty")


async def test_a_provider_without_a_list_is_no_failure(bench: Bench) -> None:
    bench.providers["a"].listed = ()
    await bench.here.run("full", ["a"])
    assert await bench.errors() == {"a": None}


async def test_a_provider_that_a_reload_took_away_is_noted(bench: Bench) -> None:
    del bench.providers["b"]
    await bench.here.run("full", ["a", "b"])
    assert await bench.errors() == {"a": None, "b": "it is no longer configured"}


async def test_a_store_that_goes_away_ends_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> int:
        raise StoreUnavailable("the database does not answer")

    monkeypatch.setattr(bench.store.catalog, "keep_list", away)
    with pytest.raises(StoreUnavailable):
        await bench.here.run("full", ["a", "b"])
    (run,) = await bench.store.catalog.runs(5)
    assert run.error == "the database does not answer" and run.ended_at is not None
    assert not await bench.here.is_running()


async def test_one_process_works_at_a_time(bench: Bench) -> None:
    bench.providers["a"].gate.clear()
    await bench.here.start("full", ["a"])
    assert await bench.there.is_running()
    for again in (bench.there.start("full", ["b"]), bench.here.run("full", ["b"]), bench.there.check_idle()):
        with pytest.raises(Conflict, match="already running"):
            await again
    assert not await bench.there.periodic(100).round() or bench.providers["b"].asked == 0
    (run,) = await bench.store.catalog.runs(5)
    assert (run.kind, run.done, run.ended_at) == ("full", 0, None)
    bench.providers["a"].gate.set()
    await bench.here.join()
    (run,) = await bench.store.catalog.runs(5)
    assert (run.done, run.failed, run.changed) == (1, 0, 1) and run.ended_at is not None
    assert bench.caught_up == 1


async def test_the_clock_asks_only_where_that_is_wanted(bench: Bench) -> None:
    bench.settings = msgspec.convert({**SETTINGS, "catalog_sync": {"enabled": False}}, Settings)
    await bench.here.periodic(100).round()
    assert bench.providers["a"].asked == 0
    bench.settings = msgspec.convert(SETTINGS, Settings)
    bench.clock.advance(100)
    await bench.here.periodic(100).round()
    assert [bench.providers[name].asked for name in ("a", "b", "own", "quiet")] == [1, 1, 0, 0]
