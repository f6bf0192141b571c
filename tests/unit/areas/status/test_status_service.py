from typing import Any

import pytest

from gatewayz.areas.status import service
from gatewayz.areas.status.schema import IncidentQuery, OfferQuery
from gatewayz.config.sections.serving import Server
from gatewayz.store.incident_records import IncidentFilter
from tests.fakes.status_scene import ONE, THREE, TWO, StatusScene


@pytest.fixture
def scene() -> StatusScene:
    return StatusScene()


@pytest.mark.parametrize(
    ("query", "offers"),
    [
        ({}, [("a", ONE), ("a", TWO), ("a", THREE), ("b", ONE)]),
        ({"provider": "alpha"}, [("a", ONE), ("a", TWO), ("a", THREE)]),
        ({"gateway": "B"}, [("b", ONE)]),
        ({"gateway": "b", "provider": "a"}, []),
        ({"status": "offline"}, [("a", ONE)]),
        ({"status": "unknown", "provider": "a"}, [("a", THREE)]),
        ({"tier": "critical"}, []),
    ],
)
async def test_filters_of_models(scene: StatusScene, query: dict[str, Any], offers: list[tuple[str, str]]) -> None:
    scene.call("a", ONE, "fault", times=3)
    scene.call("a", TWO)
    fits = service.filter_of(scene.catalog, OfferQuery(**query))
    rows = await scene.page.offers(scene.catalog, scene.breakers, limit=9, fits=fits)
    assert [(row.provider, row.model_id) for row in rows] == offers


async def test_a_search_finds_ids_names_and_providers(scene: StatusScene) -> None:
    async def search(text: str) -> list[tuple[str, str]]:
        fits = service.matching(scene.catalog, text)
        rows = await scene.page.offers(scene.catalog, scene.breakers, limit=9, fits=fits)
        return [(row.provider, row.model_id) for row in rows]

    assert await search(" X/Two ") == [("a", TWO)]
    assert await search("b") == [("b", ONE)]
    assert await search("zz") == []


async def test_lists_and_searches_show_less_than_one_model(scene: StatusScene) -> None:
    row = await scene.page.offer(scene.catalog, scene.breakers, ("a", ONE))
    listed, found = service.listed(row), service.found(row)
    assert set(row.__struct_fields__) - listed.keys() == {"consecutive_failures", "usage_24h", "is_enabled"}
    assert found.keys() < listed.keys() and found["model_id"] == ONE


def test_words_for_offers_and_incidents_are_taken_as_callers_write_them(scene: StatusScene) -> None:
    assert service.named_offer(scene.catalog, "ALPHA", "no/such/") == ("a", "no/such")
    assert service.named_offer(scene.catalog, "a", "X/One") == ("a", ONE)
    assert service.incident_filter(scene.catalog, IncidentQuery()) == IncidentFilter()
    wanted = service.incident_filter(scene.catalog, IncidentQuery(status="resolved", provider="Alpha", severity="low"))
    assert wanted == IncidentFilter(is_active=False, provider="a", severity="low")


@pytest.mark.parametrize(("working", "status"), [(0, "healthy"), (69, "healthy"), (70, "warning"), (90, "critical")])
def test_room_for_work(working: int, status: str) -> None:
    shown = service.concurrency(working, 200, Server(max_concurrent_requests=100))
    assert (shown["status"], shown["active"], shown["limit"], shown["open_requests"]) == (status, working, 100, 200)


def test_breakers_that_are_not_closed_are_named(scene: StatusScene) -> None:
    circuit = ("b", ONE, "default")
    for _ in range(5):
        scene.breakers.failed(circuit, scene.breakers.admit(circuit))
    shown = service.circuit_summary(scene.breakers.views())
    assert shown == {"total": 2, "open": 1, "half_open": 0, "summary": {"b": "OPEN"}}
    scene.clock.advance(301)
    assert service.circuit_summary(scene.breakers.views())["summary"] == {"b": "HALF_OPEN"}


def test_what_cannot_be_read_is_null(scene: StatusScene) -> None:
    shown = service.statistics({"critical": 1, "standard": 2}, None, None, scene.clock.now())
    assert shown["monitoring"] == {"total_models": 3, "critical_tier": 1, "standard_tier": 2}
    assert set(shown["incidents"].values()) == set(shown["checks_24h"].values()) == {None}
