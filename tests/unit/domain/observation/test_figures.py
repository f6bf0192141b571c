"""Sums as the public pages show them, and how often they are read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from gatewayz.domain.observation.figures import FRESH, figures, served, start_of
from gatewayz.domain.observation.traffic import NOBODY, Traffic
from gatewayz.sdk.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic


class CountedTraffic(FakeTraffic):
    readings = 0
    is_away = False

    async def between(
        self, start: datetime, end: datetime, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[Traffic]:
        self.readings += 1
        if self.is_away:
            raise StoreUnavailable("the database is away")
        return await super().between(start, end, provider=provider, model=model)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def traffic(clock: FakeClock) -> CountedTraffic:
    return CountedTraffic(clock)


async def ask(traffic: CountedTraffic, clock: FakeClock, provider: str | None = None) -> list[Traffic]:
    now = clock.now()
    return await served(traffic, start_of("24h", now), now, now, provider=provider)


async def test_sums_of_what_was_served(traffic: CountedTraffic, clock: FakeClock) -> None:
    traffic.call("p", "m/a", ms=100, user=1, tokens=(10, 20), cost=3_000_000_000)
    traffic.call("q", "m/a", ms=300, user=2, tokens=(10, 20), cost=1_000_000_000)
    traffic.call("q", "m/b", user=1, is_fault=True)
    traffic.call(NOBODY, "m/c", is_fault=True)
    traffic.call("p", "m/d", ago=timedelta(days=2))
    clock.advance(1)
    found = figures(await ask(traffic, clock))
    assert (found.total_requests, found.total_tokens, found.total_cost) == (3, 60, 4.0)
    assert (found.unique_users, found.unique_models, found.avg_speed_tokens_per_sec) == (2, 2, 100.0)
    assert found.avg_tokens_per_request == 20.0 and found.avg_cost_per_request == pytest.approx(4 / 3)
    nothing = figures([])
    assert (nothing.total_requests, nothing.total_cost, nothing.avg_tokens_per_request) == (0, 0, None)


async def test_what_was_read_is_used_for_a_moment(traffic: CountedTraffic, clock: FakeClock) -> None:
    for _ in range(3):
        await ask(traffic, clock)
    assert traffic.readings == 1
    await ask(traffic, clock, "p")
    assert traffic.readings == 2, "another question"
    clock.advance(FRESH.total_seconds())
    await ask(traffic, clock)
    assert traffic.readings == 3


async def test_a_reading_that_failed_is_not_kept(traffic: CountedTraffic, clock: FakeClock) -> None:
    traffic.is_away = True
    with pytest.raises(StoreUnavailable):
        await ask(traffic, clock)
    traffic.is_away = False
    assert await ask(traffic, clock) == []


@pytest.mark.parametrize(("word", "hours"), [("1h", 1), ("24h", 24), ("7d", 168), ("30d", 720)])
def test_spans(word: str, hours: int, clock: FakeClock) -> None:
    assert clock.now() - start_of(word, clock.now()) == timedelta(hours=hours)  # type: ignore[arg-type]
    assert start_of("all", clock.now()).year == 1970
