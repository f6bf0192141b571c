import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.jobs.leased import Leased, LeaseStore
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()
    store = await open_store(StoreSettings(url=url, migrate=False))
    yield store
    await store.aclose()


def leased(
    store: SqlStore, clock: FakeClock, holder: str, work: Callable[[], Awaitable[object]], *, lease_s: float = 60.0
) -> Leased:
    return Leased("roll up", work, store.leases, clock, holder=holder, every_s=100, lease_s=lease_s)


async def test_many_processes_work_once_a_period(store: SqlStore) -> None:
    clock, done = FakeClock(), []

    def process(holder: str) -> Leased:
        async def work() -> None:
            done.append(holder)
            await asyncio.sleep(0.01)

        return leased(store, clock, holder, work)

    processes = [process(f"p{number}") for number in range(5)]
    assert sum(await asyncio.gather(*(each.work_if_due() for each in processes))) == 1
    clock.advance(99)
    assert not any([await each.work_if_due() for each in processes])
    assert len(done) == 1
    clock.advance(1)
    assert sum([await each.work_if_due() for each in processes]) == 1
    assert await processes[0].work_now() and len(done) == 3


async def test_failed_work_is_left_to_the_next_who_looks(store: SqlStore) -> None:
    clock = FakeClock()

    async def fail() -> None:
        raise ValueError("no")

    async def succeed() -> None:
        return None

    with pytest.raises(ValueError, match="no"):
        await leased(store, clock, "a", fail).work_if_due()
    assert await leased(store, clock, "b", succeed).work_if_due()
    assert not await leased(store, clock, "a", fail).work_if_due()


async def test_a_dead_process_is_taken_over_from(store: SqlStore) -> None:
    clock = FakeClock()

    async def work() -> None:
        return None

    # A killed process leaves its lease as it is.
    assert await store.leases.take("roll up", "dead", clock.now(), clock.now() + timedelta(seconds=60), clock.now())
    other = leased(store, clock, "alive", work)
    clock.advance(59)
    assert not await other.work_if_due() and not await other.work_now()
    clock.advance(1)
    assert await other.work_if_due()


class Extensions:
    """A lease store that says when a lease was extended."""

    def __init__(self, leases: LeaseStore) -> None:
        self.take, self.end, self._extend = leases.take, leases.end, leases.extend
        self.extended = asyncio.Event()

    async def extend(self, name: str, holder: str, until: datetime) -> bool:
        held = await self._extend(name, holder, until)
        self.extended.set()
        return held


async def test_long_work_keeps_its_lease(store: SqlStore) -> None:
    clock, may_end, leases = FakeClock(), asyncio.Event(), Extensions(store.leases)
    job = Leased("roll up", may_end.wait, leases, clock, holder="a", every_s=100, lease_s=0.03)
    work = asyncio.create_task(job.work_if_due())
    other = leased(store, clock, "b", may_end.wait)
    async with asyncio.timeout(10):
        for _ in range(5):
            leases.extended.clear()
            await leases.extended.wait()
            clock.advance(0.02)
            assert not await other.work_now()
    may_end.set()
    assert await work


async def test_work_stops_when_another_has_taken_over(store: SqlStore) -> None:
    clock, started, stopped = FakeClock(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()

    task = asyncio.create_task(leased(store, clock, "slow", work, lease_s=0.3).work_if_due())
    later, until = clock.now() + timedelta(seconds=300), clock.now() + timedelta(seconds=400)
    async with asyncio.timeout(10):
        await started.wait()
        # As if this process had been suspended for longer than its lease.
        assert await store.leases.take("roll up", "quick", later, until, later)
        with pytest.raises(StoreUnavailable, match="lease was lost"):
            await task
    assert stopped.is_set()
    assert await store.leases.extend("roll up", "quick", until)
    assert not await store.leases.extend("roll up", "slow", until)
