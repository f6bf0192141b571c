"""What is said while the database is away: what memory has, marked as not whole."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatewayz.areas.diagnostics.service import provider_timing
from gatewayz.areas.monitoring import service
from gatewayz.domain.observation.traffic import Traffic, TrafficPoint
from gatewayz.sdk.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic


class Away(FakeTraffic):
    """Its store cannot be asked."""

    async def between(self, start: datetime, end: datetime, **_: Any) -> Sequence[Traffic]:
        raise StoreUnavailable("away")

    async def series(self, start: datetime, end: datetime, step: Any, **_: Any) -> Sequence[TrafficPoint]:
        raise StoreUnavailable("away")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def view(clock: FakeClock) -> Away:
    seen = Away(clock)
    for number in range(10):
        seen.call("a", "acme/m", is_fault=number < 5, cost=1_000_000)
    return seen


async def test_every_page_answers(view: Away, clock: FakeClock) -> None:
    now = clock.now()
    realtime = await service.realtime(view, 3, now)
    assert (realtime["total_requests"], realtime["is_whole"]) == (10, False)
    errors = await service.error_rates(view, 24, now)
    assert errors["models"]["acme/m"]["error_rate"] == 0.5 and not errors["is_whole"]
    costs = await service.costs(view, 7, now)
    assert costs["total_cost"] == pytest.approx(0.005) and not costs["is_whole"]
    anomalies = await service.anomalies(view, now)
    assert anomalies["critical_count"] == 1 and not anomalies["is_whole"]
    assert "hour only" in (await provider_timing(view, now))["note"]


async def test_slow_calls_are_told_apart(clock: FakeClock) -> None:
    view = FakeTraffic(clock)
    for seconds, times in ((1, 5), (37, 3), (80, 2)):
        for _ in range(times):
            view.call("a", "acme/m", ms=seconds * 1000, ago=timedelta(hours=2))
    view.call("b", "acme/quick", ms=900)
    timing = await provider_timing(view, clock.now())
    assert timing["slow_request_counts"] == {"a/acme/m": {"slow": 3, "very_slow": 2}}
