"""The leaderboard of a week against the week before."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gatewayz.areas.rankings.service import RankingQuery, ranked_apps, ranked_models
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.usage.apps import AppRanking
from gatewayz.store.usage_records import UsageApp
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


class Log:
    """A usage log of two weeks that counts how often it is read."""

    def __init__(self, current: Sequence[UsageApp], earlier: Sequence[UsageApp]) -> None:
        self._weeks = [current, earlier]
        self.reads = 0

    async def apps(self, since: datetime, until: datetime, *, limit: int) -> Sequence[UsageApp]:
        self.reads += 1
        return self._weeks[(self.reads - 1) % 2][:limit]


async def test_applications_by_tokens_and_how_that_changed() -> None:
    clock = FakeClock()
    page = UsageApp(name="Page", url="https://page.example", requests=3, tokens=2_500_000)
    tool = UsageApp(name="Tool", url=None, requests=9, tokens=500)
    log = Log([page, tool], [UsageApp(name="Tool", url=None, requests=1, tokens=1000)])
    apps = AppRanking(log, clock)
    board = await ranked_apps(apps, RankingQuery(), clock.now())
    shown = [
        (row["rank"], row["id"], row["app_name"], row["tokens"], row["trend_percentage"], row["trend_direction"])
        for row in board["data"]
    ]
    assert shown == [
        (1, "https://page.example", "Page", "2.5M", "new", "up"),
        (2, "Tool", "Tool", "500", "50%", "down"),
    ]
    assert [row["rank"] for row in (await ranked_apps(apps, RankingQuery(limit=1, offset=1), clock.now()))["data"]] == [
        2
    ]
    assert log.reads == 2
    clock.advance(61)
    await ranked_apps(apps, RankingQuery(), clock.now())
    assert log.reads == 4


async def test_applications_are_not_made_up() -> None:
    clock = FakeClock()
    assert (await ranked_apps(AppRanking(Log([], []), clock), RankingQuery(), clock.now()))["data"] == []
