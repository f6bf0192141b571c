"""Rounds of the watch over the real record of traffic."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from gatewayz.config.sections.status import Status
from gatewayz.domain.incidents.watch import IncidentWatch
from gatewayz.domain.status.use import Use
from gatewayz.sdk.errors import Conflict, ResourceNotFound, StoreUnavailable
from gatewayz.store.incident_records import WHOLE, Incident, IncidentFilter
from tests.fakes.status_scene import ONE, THREE, TWO, StatusScene


@pytest.fixture
def scene() -> StatusScene:
    return StatusScene()


def under_way(scene: StatusScene) -> Sequence[tuple[str, str]]:
    return [each.subject for each in scene.incidents.active()]


def last(scene: StatusScene) -> Incident:
    return scene.store.rows[max(scene.store.rows)]


async def test_an_outage_opens_counts_its_errors_and_ends(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", ONE, "fault", times=3)
    began = scene.clock.now()
    await scene.check()
    assert under_way(scene) == [("a", ONE)]
    assert (last(scene).started_at, last(scene).error_code) == (began, "UPSTREAM_BROKEN")
    scene.call("a", ONE, "fault", times=4)
    scene.call("a", ONE, "rate_limited", times=2)
    await scene.check()
    assert last(scene).error_count == 7
    scene.clock.advance(120)
    scene.call("a", ONE, times=70)
    await scene.check()
    assert under_way(scene) == []
    assert (last(scene).resolved_at, last(scene).error_count) == (scene.clock.now(), 7)


async def test_rounds_without_news_write_nothing(scene: StatusScene) -> None:
    scene.call("a", TWO)
    await scene.check()
    assert scene.store.writes == 0
    scene.call("a", ONE, "fault", times=3)
    await scene.check()
    await scene.check()
    before = scene.store.writes
    for _ in range(5):
        scene.clock.advance(61)
        await scene.check()
    assert scene.store.writes == before


async def test_another_process_goes_on_where_one_has_died(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", ONE, "fault", times=3)
    await scene.check()
    other = IncidentWatch(
        scene.store,
        scene.view,
        Use(scene.view, scene.clock),
        scene.clock,
        Status(),
        forget=timedelta(hours=24),
        current=lambda: (scene.catalog, scene.breakers),
    )
    await other.check()
    assert len(scene.store.rows) == 1
    scene.call("a", ONE, times=30)
    await other.check()
    assert last(scene).resolved_at == scene.clock.now()


async def test_one_incident_for_a_provider_that_is_down_as_a_whole(scene: StatusScene) -> None:
    for name in (ONE, TWO, THREE):
        scene.call("a", name, "fault", times=3)
    scene.call("b", ONE, "fault", times=3)
    await scene.check()
    assert sorted(under_way(scene)) == [("a", WHOLE), ("b", WHOLE)]
    assert sorted(each.error_count for each in scene.store.rows.values()) == [0, 0]
    await scene.check()
    assert sorted(each.error_count for each in scene.store.rows.values()) == [3, 9]


async def test_what_a_configuration_no_longer_serves_is_no_incident(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", "gone/model", "fault", times=5)
    scene.call("gone", ONE, "fault", times=5)
    await scene.check()
    assert under_way(scene) == []


async def test_a_person_ends_it_until_the_next_failure(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", ONE, "fault", times=3)
    await scene.check()
    number = last(scene).id
    noted = await scene.incidents.annotate(number, "Their data centre burns.")
    scene.clock.advance(5)
    done = await scene.incidents.resolve(number, None, "user:1")
    assert (done.notes, done.resolved_by, done.resolved_at) == (noted.notes, "user:1", scene.clock.now())
    with pytest.raises(Conflict):
        await scene.incidents.resolve(number, None, "user:1")
    for missing in (scene.incidents.resolve(99, None, "user:1"), scene.incidents.annotate(99, "?")):
        with pytest.raises(ResourceNotFound):
            await missing
    await scene.check()
    assert under_way(scene) == []
    scene.call("a", ONE, "fault")
    await scene.check()
    assert under_way(scene) == [("a", ONE)] and len(scene.store.rows) == 2


async def test_while_the_store_is_away_what_was_read_last_holds(scene: StatusScene) -> None:
    scene.call("a", TWO)
    scene.call("a", ONE, "fault", times=3)
    await scene.check()
    scene.store.is_away = True
    with pytest.raises(StoreUnavailable):
        await scene.watch.check()
    assert under_way(scene) == [("a", ONE)]
    assert [each.subject for each in await scene.incidents.list_newest(IncidentFilter(), 5)] == [("a", ONE)]
    assert list(await scene.incidents.list_newest(IncidentFilter(is_active=False), 5)) == []
    assert list(await scene.incidents.list_newest(IncidentFilter(provider="b"), 5)) == []
    assert await scene.incidents.totals() is None
