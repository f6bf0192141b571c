"""The leaderboard of a week against the week before."""

from datetime import timedelta

import pytest

from gatewayz.areas.rankings.service import RankingQuery, ranked_apps, ranked_models
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.gateways import Gateways
from tests.fakes.catalog import configured, settings_of
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic

CATALOG = build_catalog(settings_of({"m/up": {"p": "u"}, "m/down": {"p": "d"}}), configured("p"))


async def test_rank_and_trend() -> None:
    clock = FakeClock()
    traffic, gateways = FakeTraffic(clock), Gateways({}, CATALOG)
    last_week = timedelta(days=8)
    traffic.call("p", "m/down", tokens=(1000, 1000), ago=last_week)
    traffic.call("p", "m/down", tokens=(1000, 500))
    traffic.call("p", "m/up", tokens=(600_000, 600_000), ago=last_week)
    traffic.call("p", "m/up", tokens=(1_000_000, 500_000))
    traffic.call("p", "gone/new", tokens=(5, 5))
    traffic.call("p", "m/failed", is_fault=True)
    clock.advance(1)
    board = await ranked_models(traffic, gateways, CATALOG, RankingQuery(), clock.now())
    shown = [
        (row["rank"], row["id"], row["tokens"], row["trend_percentage"], row["trend_direction"])
        for row in board["data"]
    ]
    assert shown[:3] == [
        (1, "m/up", "1.5M", "25%", "up"),
        (2, "m/down", "1.5K", "25%", "down"),
        (3, "gone/new", "10", "new", "up"),
    ]
    second = await ranked_models(traffic, gateways, CATALOG, RankingQuery(limit=1, offset=1), clock.now())
    assert [row["id"] for row in second["data"]] == ["m/down"]


@pytest.mark.parametrize("query", [RankingQuery(), RankingQuery(limit=3)])
def test_applications_are_not_made_up(query: RankingQuery) -> None:
    assert ranked_apps(query)["data"] == []
