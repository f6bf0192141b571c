from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from gatewayz.areas.model_health.schema import ListQuery, UnhealthyQuery
from gatewayz.areas.model_health.service import ModelHealth
from gatewayz.domain.observation.traffic import Traffic
from gatewayz.sdk.errors import ModelNotFound, ResourceNotFound, StoreUnavailable
from tests.fakes.flow import MODEL, Scene, WireFake
from tests.fakes.traffic import FakeTraffic


class Seen:
    """A scene with two providers of one model, and traffic that is told."""

    def __init__(self) -> None:
        self.scene = Scene(a=WireFake(b""), b=WireFake(b""))
        self.traffic = FakeTraffic(self.scene.clock)

    @property
    def health(self) -> ModelHealth:
        edition = self.scene.edition
        return ModelHealth(self.traffic, edition.breakers, edition.catalog, [*edition.providers, "off"])

    @property
    def now(self) -> datetime:
        return self.scene.clock.now()


@pytest.fixture
def seen() -> Seen:
    return Seen()


async def test_counts_rates_and_newest_facts(seen: Seen) -> None:
    for _ in range(3):
        seen.traffic.call("a", MODEL, ms=200.0, tokens=(10, 30))
    seen.traffic.call("a", MODEL, is_fault=True)
    one = await seen.health.one("a", MODEL, seen.now)
    assert (one.call_count, one.success_count, one.error_count, one.success_rate) == (4, 3, 1, 0.75)
    assert (one.input_tokens, one.output_tokens, one.total_tokens) == (30, 90, 120)
    assert one.average_response_time_ms == pytest.approx(200.0, rel=0.05)
    assert (one.status, one.last_status, one.last_error_message) == ("down", "fault", "UPSTREAM_BROKEN")
    assert one.last_called_at == seen.now.isoformat()


async def test_what_was_never_called_is_unknown_and_what_is_not_served_is_404(seen: Seen) -> None:
    one = await seen.health.one("b", "short", seen.now)
    assert (one.model, one.status, one.call_count, one.success_rate) == (MODEL, "unknown", 0, None)
    assert one.average_response_time_ms is None and one.last_called_at is None
    for provider, model in (("a", "no/such"), ("nobody", MODEL)):
        with pytest.raises(ModelNotFound):
            await seen.health.one(provider, model, seen.now)


async def test_the_last_24_hours_count(seen: Seen) -> None:
    seen.traffic.call("a", MODEL, ago=timedelta(hours=25))
    seen.traffic.call("a", MODEL, ago=timedelta(hours=23))
    assert (await seen.health.one("a", MODEL, seen.now)).call_count == 1


async def test_the_list_is_filtered_and_paged(seen: Seen) -> None:
    seen.traffic.call("a", MODEL)
    seen.traffic.call("b", MODEL, is_fault=True)
    whole = await seen.health.list_models(ListQuery(), seen.now)
    assert (whole["total"], [each.provider for each in whole["models"]]) == (2, ["a", "b"])
    page = await seen.health.list_models(ListQuery(limit=1, offset=1), seen.now)
    assert (page["total"], [each.provider for each in page["models"]]) == (2, ["b"])
    down = await seen.health.list_models(ListQuery(status="down"), seen.now)
    assert [each.provider for each in down["models"]] == ["b"]
    mine = await seen.health.list_models(ListQuery(provider="A"), seen.now)
    assert [each.provider for each in mine["models"]] == ["a"]


async def test_sums(seen: Seen) -> None:
    assert (await seen.health.stats(seen.now))["success_rate"] is None
    seen.traffic.call("a", MODEL, ms=100.0)
    seen.traffic.call("a", MODEL, ms=100.0)
    seen.traffic.call("b", MODEL, ms=400.0)
    seen.traffic.call("b", MODEL, is_fault=True)
    stats = await seen.health.stats(seen.now)
    assert (stats["total_models"], stats["total_calls"], stats["total_success"], stats["total_errors"]) == (2, 4, 3, 1)
    assert (stats["success_rate"], stats["average_response_time"]) == (0.75, pytest.approx(200.0, rel=0.05))
    providers = await seen.health.by_provider(seen.now)
    assert [(each["provider"], each["total_calls"]) for each in providers["providers"]] == [("a", 2), ("b", 2)]
    summary = await seen.health.provider_summary("b", seen.now)
    assert (summary["total_models"], summary["success_rate"]) == (1, 0.5)
    empty = await seen.health.provider_summary("off", seen.now)
    assert (empty["status"], empty["total_calls"], empty["success_rate"]) == ("unknown", 0, None)
    with pytest.raises(ResourceNotFound):
        await seen.health.provider_summary("nobody", seen.now)


async def test_unhealthy_needs_calls_and_faults(seen: Seen) -> None:
    for number in range(10):
        seen.traffic.call("a", MODEL, is_fault=number < 3)
        seen.traffic.call("b", MODEL, is_fault=number < 5)
    found = await seen.health.unhealthy(UnhealthyQuery(), seen.now)
    assert [each.provider for each in found["models"]] == ["b", "a"]
    assert (await seen.health.unhealthy(UnhealthyQuery(error_threshold=0.4), seen.now))["total_unhealthy"] == 1
    assert (await seen.health.unhealthy(UnhealthyQuery(min_calls=11), seen.now))["models"] == []
    well = Seen()
    well.traffic.call("a", MODEL)
    assert (await well.health.unhealthy(UnhealthyQuery(error_threshold=0, min_calls=1), well.now))["models"] == []


async def test_without_a_store_the_last_hour_is_shown(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> Sequence[Traffic]:
        raise StoreUnavailable("away")

    seen.traffic.call("a", MODEL)
    seen.traffic.call("a", MODEL, ago=timedelta(hours=2))
    monkeypatch.setattr(seen.traffic, "between", away)
    assert (await seen.health.one("a", MODEL, seen.now)).call_count == 1
