"""What the status page shows of calls, over the real record of traffic."""

from datetime import timedelta

import pytest

from gatewayz.domain.observation.traffic import Condition
from gatewayz.domain.status.shown import Checks, Word, shown_incident, word_of
from gatewayz.sdk.errors import ModelNotFound, StoreUnavailable
from gatewayz.store.incident_records import Incident
from tests.fakes.status_scene import ONE, THREE, TWO, StatusScene


@pytest.fixture
def scene() -> StatusScene:
    return StatusScene()


def away(*_: object, **__: object) -> None:
    raise StoreUnavailable("the database does not answer")


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ([], "unknown"),
        (["unknown"], "unknown"),
        (["healthy", "degraded", "unknown"], "operational"),
        (["down"] + ["healthy"] * 10, "degraded"),
        (["down"] + ["healthy"] * 9, "major_outage"),
        (["down"] + ["unknown"] * 99, "major_outage"),
    ],
)
def test_words_go_by_how_many_of_those_known_are_down(conditions: list[Condition], word: Word) -> None:
    assert word_of(conditions) == word


def test_uptime_is_cut_so_that_100_means_no_failure() -> None:
    assert Checks(0, 0).percentage is None
    assert Checks(99_999, 1).percentage == 99.99
    assert Checks(5, 0).percentage == 100.0
    assert Checks(0, 3).percentage == 0.0


async def test_before_any_call_nothing_is_claimed(scene: StatusScene) -> None:
    shown = await scene.page.overall(scene.catalog)
    assert (shown.status, shown.uptime_percentage, shown.total_models) == ("unknown", None, 0)
    assert (shown.total_providers, shown.total_gateways, shown.gateway_health_percentage) == (2, 0, None)
    one = await scene.page.offer(scene.catalog, scene.breakers, ("a", ONE))
    assert (one.status, one.tier, one.uptime_24h, one.usage_24h) == ("unknown", "on_demand", None, 0)
    assert await scene.page.history(("a", ONE), "24h") and await scene.page.bars() == {}


async def test_an_outage_shows_in_every_figure(scene: StatusScene) -> None:
    scene.call("a", ONE, times=9)
    scene.call("b", ONE, times=2)
    scene.call("a", TWO, times=2)
    assert (await scene.page.overall(scene.catalog)).status == "operational"
    scene.call("a", ONE, "fault", times=3)
    scene.call("a", ONE, "rate_limited")
    scene.clock.advance(3)
    shown = await scene.page.overall(scene.catalog)
    assert (shown.status, shown.status_message) == ("major_outage", "1 of 3 models do not answer.")
    assert (shown.healthy_models, shown.offline_models, shown.uptime_percentage) == (2, 1, 81.25)
    assert (shown.total_gateways, shown.healthy_gateways, shown.gateway_health_percentage) == (2, 1, 50.0)
    one = await scene.page.offer(scene.catalog, scene.breakers, ("a", ONE))
    assert (one.status, one.uptime_24h, one.uptime_30d, one.consecutive_failures) == ("offline", 75.0, 75.0, 3)
    assert one.avg_response_time_ms == pytest.approx(100.0)
    first, second = await scene.page.providers(scene.catalog, str.upper)
    assert (first.name, first.gateway, first.status, first.offline_models) == ("A", "a", "major_outage", 1)
    assert (second.status, second.uptime_24h, second.total_models) == ("operational", 100.0, 1)
    points = await scene.page.history(("a", ONE), "24h")
    assert len(points) == 24 and points[0].uptime_percentage is None
    assert (points[-1].total_checks, points[-1].failed_checks, points[-1].uptime_percentage) == (12, 3, 75.0)
    bars = await scene.page.bars()
    assert len(bars["a"]) == 90 and bars["a"][-1].failed_checks == 3


async def test_a_provider_that_is_out_takes_its_models_with_it_until_they_answer(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", THREE)
    scene.call("a", ONE, "fault")
    for _ in range(5):
        circuit = ("a", ONE, "default")
        scene.breakers.failed(circuit, scene.breakers.admit(circuit))
    await scene.check()
    assert [each.status for each in await scene.page.providers(scene.catalog, str)] == ["major_outage", "unknown"]
    assert (await scene.page.overall(scene.catalog)).offline_models == 3
    scene.call("a", TWO)
    assert (await scene.page.overall(scene.catalog)).offline_models == 2
    two = await scene.page.offer(scene.catalog, scene.breakers, ("a", TWO))
    assert (two.status, two.active_incidents) == ("operational", 1)


async def test_lists_begin_with_what_is_used_most_and_are_paged(scene: StatusScene) -> None:
    scene.call("a", THREE)

    async def named(limit: int = 10, offset: int = 0) -> list[tuple[str, str]]:
        rows = await scene.page.offers(
            scene.catalog, scene.breakers, limit=limit, offset=offset, fits=lambda offer, tier, condition: True
        )
        return [(row.provider, row.model_id) for row in rows]

    assert await named() == [("a", ONE), ("a", TWO), ("a", THREE), ("b", ONE)]
    assert await named(2, 1) == [("a", TWO), ("a", THREE)]
    down = await scene.page.offers(
        scene.catalog, scene.breakers, limit=9, fits=lambda offer, tier, condition: condition == "healthy"
    )
    assert [row.model_id for row in down] == [THREE]


async def test_what_is_not_served_any_more_is_remembered_and_what_never_was_is_unknown(scene: StatusScene) -> None:
    scene.call("a", "gone/model", "fault", times=3)
    gone = await scene.page.offer(scene.catalog, scene.breakers, ("a", "gone/model"))
    assert (gone.is_enabled, gone.status) == (False, "offline")
    assert (await scene.page.overall(scene.catalog)).total_models == 0
    for offered in (("b", TWO), ("nobody", ONE), ("a", "no/such")):
        with pytest.raises(ModelNotFound):
            await scene.page.offer(scene.catalog, scene.breakers, offered)


async def test_without_the_store_the_words_stay_and_the_figures_are_null(
    scene: StatusScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.call("a", ONE, "fault", times=3)
    scene.call("a", TWO)
    await scene.check()
    scene.clock.advance(3)
    monkeypatch.setattr(scene.view, "between", away)
    monkeypatch.setattr(scene.view, "series", away)
    shown = await scene.page.overall(scene.catalog)
    assert (shown.status, shown.active_incidents, shown.uptime_percentage) == ("major_outage", 1, None)
    one = await scene.page.offer(scene.catalog, scene.breakers, ("a", ONE))
    assert (one.status, one.uptime_24h, one.usage_24h) == ("offline", None, None)
    assert await scene.page.checks() is None
    assert await scene.page.history(("a", ONE), "30d") == [] and await scene.page.bars() == {}
    monkeypatch.undo()
    scene.clock.advance(3)
    assert (await scene.page.overall(scene.catalog)).uptime_percentage == 25.0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (90_061, "1d 1h")]
)
def test_durations_in_words(scene: StatusScene, seconds: int, words: str) -> None:
    now = scene.clock.now()
    over = Incident(id=1, provider="a", model="", severity="low", started_at=now, updated_at=now)
    shown = shown_incident(over, now + timedelta(seconds=seconds))
    assert (shown.duration_human, shown.duration_seconds) == (words, seconds)
    assert (shown.type, shown.model, shown.status) == ("provider_outage", None, "active")
