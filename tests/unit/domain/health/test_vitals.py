import asyncio

import pytest

import gatewayz.domain.health.vitals as module
from gatewayz.domain.health.vitals import Vitals
from gatewayz.sdk.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic


class Database:
    def __init__(self) -> None:
        self.pings = 0
        self.trouble: str | None = None

    async def ping(self) -> int:
        self.pings += 1
        if self.trouble == "away":
            raise StoreUnavailable("away")
        if self.trouble == "hung":
            await asyncio.Event().wait()
        return 1

    async def lists(self) -> list[object]:
        return []


class Place:
    def __init__(self) -> None:
        self.clock, self.database = FakeClock(), Database()
        self.traffic = FakeTraffic(self.clock)
        self.vitals = Vitals(self.traffic, self.clock, self.database.ping, self.database.lists)  # type: ignore[arg-type]


@pytest.fixture
def place() -> Place:
    return Place()


async def test_a_flood_asks_the_database_once_a_second(place: Place) -> None:
    for _ in range(3):
        readings = await asyncio.gather(*(place.vitals.database() for _ in range(200)))
        assert all(reading.is_up for reading in readings)
        place.clock.advance(1.0)
    assert place.database.pings == 3


async def test_failures_in_a_row_are_counted_until_it_answers(place: Place) -> None:
    place.database.trouble = "away"
    for number in (1, 2):
        reading = await place.vitals.database()
        assert (reading.connection, reading.failures, reading.latency_ms) == ("failed", number, None)
        place.clock.advance(1.1)
    place.database.trouble = None
    assert (await place.vitals.database()).failures == 0


async def test_a_database_that_hangs_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.02)
    place.database.trouble = "hung"
    assert (await place.vitals.database()).connection == "timeout"
    assert await place.vitals.lists() is None


async def test_without_a_database_the_day_is_the_last_hour(place: Place) -> None:
    place.traffic.call("a", "m")
    assert (await place.vitals.day()).is_whole
    place.database.trouble = "away"
    place.clock.advance(3)
    day = await place.vitals.day()
    assert not day.is_whole and list(day.parts) == [("a", "m")]


async def test_no_redis_is_no_reading(place: Place) -> None:
    assert await place.vitals.redis() is None
    assert (await place.vitals.process()).cpu_percent is not None
