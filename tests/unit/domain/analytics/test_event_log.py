import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from gatewayz.config.sections.observing import Analytics
from gatewayz.domain.analytics.event_log import EventLog, NewEvent
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.analytics_records import AnalyticsEvent, EventFilter
from gatewayz.store.moment_id import first_id, moment_of
from tests.fakes.clock import FakeClock


class FakeAnalyticsStore:
    def __init__(self) -> None:
        self.events: dict[int, AnalyticsEvent] = {}
        self.groups: list[int] = []
        self.is_away = False
        self.loses_answer = False
        self.refuses = ""
        self.pruned: tuple[int, int] | None = None

    async def append(self, events: Sequence[AnalyticsEvent]) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnavailable("away")
        if any(event.name == self.refuses for event in events):
            raise ValueError("a value the database refuses")
        self.events |= {event.id: event for event in events if event.id not in self.events}
        self.groups.append(len(events))
        if self.loses_answer:
            self.loses_answer = False
            raise StoreUnavailable("gone")

    async def list_events(self, wanted: EventFilter) -> Sequence[AnalyticsEvent]:
        return []

    async def prune(self, before: int, keep: int) -> int:
        self.pruned = before, keep
        return 1

    def names(self) -> list[str]:
        return [event.name for _, event in sorted(self.events.items())]


def make(store: FakeAnalyticsStore, clock: FakeClock | None = None, **rules: Any) -> EventLog:
    return EventLog(store, clock or FakeClock(), Analytics(**rules))


def events(count: int) -> list[NewEvent]:
    return [NewEvent(name=f"e{number:04}") for number in range(count)]


async def test_events_are_written_in_groups_in_their_order_with_their_moment() -> None:
    store, clock = FakeAnalyticsStore(), FakeClock()
    log = make(store, clock)
    assert log.record(events(600)) == 600
    taken_at = clock.now()
    clock.advance(60)
    assert await log.flush()
    assert store.groups == [256, 256, 88] and store.names() == [each.name for each in events(600)]
    assert abs(moment_of(min(store.events)) - taken_at) < timedelta(seconds=1)
    assert (log.stats().pending, log.stats().written, log.stats().dropped) == (0, 600, 0)


async def test_an_absent_database_keeps_events_up_to_a_bound_then_drops_the_newest() -> None:
    store = FakeAnalyticsStore()
    log = make(store, max_pending=5)
    store.is_away = True
    assert log.record(events(3)) == 3
    assert not await log.flush()
    assert log.record(events(10)) == 5
    assert (log.stats().pending, log.stats().dropped) == (8, 5)  # a group of 3 waits to be repeated
    store.is_away = False
    assert await log.flush()
    assert len(store.events) == 8 and log.stats().written == 8


async def test_a_write_of_unknown_fate_is_repeated_and_counts_once() -> None:
    store = FakeAnalyticsStore()
    log = make(store)
    store.loses_answer = True
    log.record(events(2))
    assert not await log.flush()
    assert await log.flush()
    assert store.names() == ["e0000", "e0001"] and log.stats().written == 2


async def test_what_the_database_refuses_stops_nothing_after_it() -> None:
    store = FakeAnalyticsStore()
    store.refuses = "bad"
    log = make(store)
    log.record([NewEvent(name="bad")])
    assert await log.flush()
    log.record([NewEvent(name="good")])
    assert await log.flush()
    assert store.names() == ["good"] and (log.stats().written, log.stats().dropped) == (1, 1)


async def test_the_job_writes_and_the_end_writes_the_rest() -> None:
    store = FakeAnalyticsStore()
    log = make(store, flush_s=0.001)
    job = asyncio.create_task(log.run())
    log.record(events(1))
    async with asyncio.timeout(5):
        while not store.events:  # noqa: ASYNC110  (what is waited for tells nobody)
            await asyncio.sleep(0.005)
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job
    log.record(events(2))
    await log.aclose()
    assert len(store.events) == 3


async def test_pruning_goes_by_the_rules() -> None:
    store, clock = FakeAnalyticsStore(), FakeClock()
    assert await make(store, clock, keep_days=2, keep_events=9).prune() == 1
    assert store.pruned == (first_id(clock.now() - timedelta(days=2)), 9)
