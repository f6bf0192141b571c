import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.observation.roll_up import RollUp
from gatewayz.domain.observation.totals import total
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.observe import Attempt, Outcome
from gatewayz.sdk.offers import Offer
from gatewayz.store.observation_records import StateRow, TrafficRow, Wanted
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url
from tests.fakes.settlements import charge, settlement

OFFER = Offer(model="vendor/model", provider="a", upstream_model="m")
KEY = ("a", "vendor/model")
PAID = msgspec.structs.replace(charge(), offer=OFFER)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()
    store = await open_store(StoreSettings(url=url, migrate=False))
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def process(store: SqlStore, clock: FakeClock, name: str) -> Observation:
    return Observation(clock, Rules(), store.observation, process=name)


def serve(seen: Observation, count: int, outcome: Outcome = "success", *, user: int = 1) -> None:
    for _ in range(count):
        attempt = Attempt(request_id="r", offer=OFFER, outcome=outcome, duration_ms=500.0)
        seen.record_attempt(attempt)
        seen.record_settlement(settlement(attempts=(attempt,), user_id=user, charge=PAID))


async def requests(seen: Observation, start: datetime, end: datetime) -> int:
    return total(await seen.between(start, end)).requests


async def test_n_requests_over_three_processes_are_n(store: SqlStore, clock: FakeClock) -> None:
    start = clock.now()
    processes = [process(store, clock, name) for name in "pqr"]
    for number, each in enumerate(processes):
        serve(each, 10 * (number + 1), user=number)
    for each in processes:
        await each.exchange()
    serve(processes[0], 5)
    end = clock.now() + timedelta(minutes=1)
    # Its own are counted to the moment; the others' when they have written.
    assert [await requests(each, start, end) for each in processes] == [65, 60, 60]
    for _ in range(2):
        for each in processes:
            await each.exchange()
    for each in processes:
        assert await requests(each, start, end) == 65
        whole = total(each.recent())
        assert (whole.requests, whole.users, whole.latency.count) == (65, 3, 65)
        assert whole.latency.quantile(0.5) == pytest.approx(500.0, rel=0.05)
        assert total(point.traffic for point in await each.series(start, end, "minute")).requests == 65


async def test_a_restart_keeps_sums_and_states(store: SqlStore, clock: FakeClock) -> None:
    start = clock.now()
    first = process(store, clock, "first")
    serve(first, 7)
    serve(first, 3, "fault")
    await first.aclose()
    clock.advance(90)
    second = process(store, clock, "second")
    await second.exchange()
    assert second.states() == {KEY: second.states()[KEY]}
    state = second.states()[KEY]
    assert (state.condition, state.consecutive_failures, state.last_failure_at) == ("down", 3, start)
    assert total(second.recent()).requests == 10
    serve(second, 1, "fault")
    assert second.states()[KEY].consecutive_failures == 4
    assert await requests(second, start, clock.now() + timedelta(minutes=1)) == 11


async def test_an_outage_seen_by_one_is_known_to_the_others(store: SqlStore, clock: FakeClock) -> None:
    one, other = process(store, clock, "one"), process(store, clock, "other")
    serve(other, 1)
    await other.exchange()
    clock.advance(1)
    serve(one, 3, "fault")
    await one.exchange()
    await other.exchange()
    assert other.condition(provider="a") == "down"
    clock.advance(1)
    serve(other, 1)
    assert other.condition(provider="a") == "down"  # three of five were bad
    serve(other, 40)
    assert other.condition(provider="a") == "healthy"
    await other.exchange()
    await one.exchange()
    assert one.condition(provider="a") == "healthy"
    assert one.states()[KEY].consecutive_failures == 0


async def test_hours_and_days_are_the_sums_of_their_minutes(store: SqlStore, clock: FakeClock) -> None:
    start = clock.now()
    seen, roll_up = process(store, clock, "p"), RollUp(store.observation, clock, Rules())
    for _ in range(30):  # hours
        serve(seen, 1)
        clock.advance(1800)
        serve(seen, 1)
        clock.advance(1800)
        await seen.exchange()
        await roll_up.run_once()
        await roll_up.run_once()
    end = clock.now()
    assert await requests(seen, start, end) == 60
    assert await requests(seen, start + timedelta(minutes=10), end) == 59
    assert await requests(seen, start + timedelta(hours=1), start + timedelta(hours=3)) == 4
    hours = await seen.series(start, end, "hour")
    assert [point.traffic.requests for point in hours] == [2] * 30
    assert [point.start for point in hours] == [start + timedelta(hours=number) for number in range(30)]
    assert [point.traffic.requests for point in await seen.series(start, end, "day")] == [48, 12]
    assert hours[0].traffic.latency.count == 2 and hours[0].traffic.users == 1


async def test_minutes_and_hours_are_forgotten_and_their_sums_stay(store: SqlStore, clock: FakeClock) -> None:
    start = clock.now()
    rules = Rules(keep_minutes_days=1, keep_hours_days=3)
    seen, roll_up = process(store, clock, "p"), RollUp(store.observation, clock, rules)
    for _ in range(10):  # days
        serve(seen, 1)
        await seen.exchange()
        clock.advance(86_400)
        await roll_up.run_once()
    serve(seen, 1)
    await seen.exchange()
    await roll_up.run_once()
    minutes, hours = await store.observation.bounds(60), await store.observation.bounds(3600)
    assert minutes is not None and hours is not None
    assert minutes[0] >= (clock.now() - timedelta(days=2)).timestamp()
    assert hours[0] >= (clock.now() - timedelta(days=4)).timestamp()
    assert await requests(seen, start, clock.now() + timedelta(minutes=1)) == 11
    assert len(await seen.series(start, clock.now(), "day")) == 10


class AwayOnce:
    """The store, away for one write."""

    def __init__(self, store: SqlStore) -> None:
        self._inner = store.observation
        self.is_away = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def write_traffic(self, step: int, rows: list[TrafficRow]) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        await self._inner.write_traffic(step, rows)


async def test_what_could_not_be_written_is_written_later(store: SqlStore, clock: FakeClock) -> None:
    start, away = clock.now(), AwayOnce(store)
    seen = Observation(clock, Rules(), away, process="p")  # type: ignore[arg-type]
    serve(seen, 4)
    with pytest.raises(StoreUnavailable):
        await seen.exchange()
    serve(seen, 1)
    away.is_away = False
    await seen.exchange()
    other = process(store, clock, "q")
    await other.exchange()
    assert await requests(other, start, clock.now() + timedelta(minutes=1)) == 5


class Endless(AwayOnce):
    """The store, which never answers one write of states."""

    async def write_traffic(self, step: int, rows: list[TrafficRow]) -> None:
        await self._inner.write_traffic(step, rows)

    async def write_states(self, rows: list[StateRow]) -> None:
        if self.is_away:
            self.is_away = False
            await asyncio.Event().wait()
        await self._inner.write_states(rows)


async def test_what_a_shutdown_interrupts_is_written_at_the_close(store: SqlStore, clock: FakeClock) -> None:
    endless = Endless(store)
    seen = Observation(clock, Rules(), endless, process="p")  # type: ignore[arg-type]
    serve(seen, 3, "fault")
    job = asyncio.create_task(seen.exchange())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(job, 0.5)
    await seen.aclose()
    after = process(store, clock, "q")
    await after.exchange()
    assert after.condition(provider="a") == "down"
    assert total(after.recent()).requests == 3


async def test_a_minute_of_one_offer_is_a_narrow_row(store: SqlStore, clock: FakeClock) -> None:
    seen = process(store, clock, "0123456789abcdef")
    for number in range(2000):
        attempt = Attempt(request_id="r", offer=OFFER, outcome="success", duration_ms=300.0 + number % 900)
        seen.record_attempt(attempt)
        seen.record_settlement(settlement(attempts=(attempt,), user_id=number % 30, charge=PAID))
    await seen.exchange()
    (row,) = await store.observation.list_traffic(Wanted(step=60, first=0, end=10**10))
    assert len(row.packed) < 150
