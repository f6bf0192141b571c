from datetime import timedelta

import pytest

from gatewayz.areas.pages.plots import BAR_HEIGHT, bars_of, plots_of
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def traffic(clock: FakeClock) -> FakeTraffic:
    return FakeTraffic(clock)


def test_each_minute_has_its_sums_and_what_is_not_known_is_null(clock: FakeClock, traffic: FakeTraffic) -> None:
    for provider, ms in (("a", 100.0), ("b", 300.0), ("b", 300.0)):
        traffic.call(provider, "m", ms=ms, ago=timedelta(minutes=2))
    traffic.call("a", "m", is_fault=True, ago=timedelta(minutes=2))
    traffic.call("a", "m", is_fault=True)
    plots = plots_of(traffic.recent_series(), clock.now())
    assert len(plots.times) == 61 and plots.times[-1] == int(clock.now().timestamp())
    assert (plots.requests[-3:], plots.failed[-3:]) == ([4, 0, 1], [1, 0, 1])
    assert plots.error_percent[-3:] == [25.0, None, 100.0]
    assert plots.p50_ms[-3] == pytest.approx(300, rel=0.05) and plots.p50_ms[-2:] == [None, None]
    assert sum(plots.requests) == 5


def test_small_charts_are_to_the_scale_of_their_busiest_minute(clock: FakeClock, traffic: FakeTraffic) -> None:
    for _ in range(100):
        traffic.call("a", "m", ago=timedelta(minutes=1))
    traffic.call("a", "m", is_fault=True)
    traffic.call("b", "m")
    bars = bars_of(traffic.recent_series(), clock.now())
    assert [(bar.at, bar.good) for bar in bars["a"]] == [(59, BAR_HEIGHT), (60, 0)]
    assert bars["a"][1].bad >= 10, "one call is seen beside a hundred"
    assert [(bar.at, bar.good, bar.bad) for bar in bars["b"]] == [(60, BAR_HEIGHT, 0)]
    assert bars.keys() == {"a", "b"}
