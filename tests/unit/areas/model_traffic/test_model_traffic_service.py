"""Trending and low-latency models, from traffic that is made up."""

from datetime import timedelta
from typing import Any

import pytest

from gatewayz.areas.model_traffic.service import LatencyQuery, TrendingQuery, low_latency, trending
from gatewayz.config.sections.providers import Display, ProviderEntry
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.sdk.errors import InvalidRequest
from tests.fakes.catalog import configured, settings_of
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic

MODELS = {"m/quick": {"p": "q", "q": "q"}, "m/slow": {"p": "s"}, "m/quiet": {"q": "x"}, "m/idle": {"p": "x"}}
CATALOG = build_catalog(settings_of(MODELS), configured("p", "q"))
GATEWAYS = Gateways({"q": ProviderEntry(use="x", display=Display(name="Q", speed_tier=1))}, CATALOG)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def traffic(clock: FakeClock) -> FakeTraffic:
    traffic = FakeTraffic(clock)
    for user in (1, 2, 1):
        traffic.call("p", "m/quick", ms=80, user=user, tokens=(1, 1))
    traffic.call("q", "m/quick", ms=120, user=1, tokens=(1, 1))
    traffic.call("p", "m/slow", ms=900, user=3, tokens=(500, 500))
    traffic.call("p", "m/old", user=4, ago=timedelta(hours=30))
    return traffic


async def names(traffic: FakeTraffic, clock: FakeClock, **query: Any) -> list[str]:
    found = await trending(traffic, GATEWAYS, TrendingQuery(**query), clock.now() + timedelta(seconds=1))
    return [row["model"] for row in found["data"]]


async def test_models_by_requests_tokens_and_users_in_a_span(traffic: FakeTraffic, clock: FakeClock) -> None:
    assert await names(traffic, clock) == ["m/quick", "m/slow"]
    assert await names(traffic, clock, sort_by="tokens") == ["m/slow", "m/quick"]
    assert await names(traffic, clock, time_range="7d") == ["m/quick", "m/old", "m/slow"]
    assert await names(traffic, clock, gateway="q") == ["m/quick"]
    assert await names(traffic, clock, limit=1, offset=1) == ["m/slow"]
    with pytest.raises(InvalidRequest):
        await names(traffic, clock, gateway="nowhere")


async def test_a_model_over_its_gateways_is_one_row(traffic: FakeTraffic, clock: FakeClock) -> None:
    found = await trending(traffic, GATEWAYS, TrendingQuery(), clock.now() + timedelta(seconds=1))
    first = found["data"][0]
    assert (first["requests"], first["unique_users"], first["provider"], first["gateway"]) == (4, 2, "p", "p")
    assert first["avg_speed"] == pytest.approx(4 * 1000 / 360, abs=0.01)
    assert found["pagination"] == {"limit": 10, "offset": 0, "total": 2, "has_more": False}


def test_what_answers_soon(traffic: FakeTraffic) -> None:
    found = low_latency(traffic, GATEWAYS, CATALOG, LatencyQuery())
    assert found["models"] == ["m/quick"] and found["count"] == 1
    assert [row["provider"] for row in found["providers_by_speed"]] == ["q", "p"]
    assert found["alternatives"] == ["m/quiet"], "of fast gateways, and not measured"
    assert found["provider_tiers"]["q"]["tier"] == 1
    assert low_latency(traffic, GATEWAYS, CATALOG, LatencyQuery(include_ultra_only=True))["models"] == ["m/quick"]
    traffic.call("q", "m/quick", ms=480)
    assert low_latency(traffic, GATEWAYS, CATALOG, LatencyQuery(include_ultra_only=True))["models"] == []


def test_no_traffic_is_nothing_measured(clock: FakeClock) -> None:
    found = low_latency(FakeTraffic(clock), GATEWAYS, CATALOG, LatencyQuery())
    assert (found["models"], found["providers_by_speed"]) == ([], [])
