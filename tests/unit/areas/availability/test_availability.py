from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatewayz.areas.availability.schema import ListQuery
from gatewayz.areas.availability.service import ModelAvailability
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.store.maintenance_records import MaintenanceEntry
from tests.fakes.flow import MODEL, PRICE, Scene, WireFake
from tests.fakes.traffic import FakeTraffic

SPARE = "vendor/spare"


class NoStore:
    """Announcements stay with their process."""

    def __init__(self) -> None:
        self.entries: list[MaintenanceEntry] = []

    async def announce(self, entry: MaintenanceEntry) -> None:
        self.entries.append(entry)

    async def take_back(self, model: str) -> bool:
        self.entries.clear()
        return True

    async def list_entries(self, now: datetime) -> Sequence[MaintenanceEntry]:
        return self.entries


class Seen:
    """Two models: one at two providers, one at a third, named in place of the first."""

    def __init__(self) -> None:
        def change(plain: dict[str, Any]) -> None:
            plain["models"][MODEL]["offers"].pop("c")
            plain["models"][SPARE] = {"price": PRICE, "offers": {"c": {"id": "spare"}}}
            plain["fallbacks"] = {MODEL: ["no/such", SPARE]}

        self.scene = Scene(change, a=WireFake(b""), b=WireFake(b""), c=WireFake(b""))
        self.traffic = FakeTraffic(self.scene.clock)
        self.maintenance = Maintenance(NoStore(), self.scene.clock)

    @property
    def shown(self) -> ModelAvailability:
        return ModelAvailability(self.scene.edition, self.traffic, self.maintenance)

    @property
    def now(self) -> datetime:
        return self.scene.clock.now()

    def shut(self, *providers: str) -> None:
        for provider in providers:
            for circuit in [offer.circuit for model in self.scene.edition.catalog.models() for offer in model.offers]:
                if circuit[0] == provider:
                    for _ in range(5):
                        self.scene.breakers.failed(circuit, self.scene.breakers.admit(circuit))


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_catalogued_model_without_data_is_unknown_and_can_be_called(seen: Seen) -> None:
    shown = seen.shown.model("short")
    assert (shown.model_id, shown.status, shown.available) == (MODEL, "unknown", True)
    assert shown.success_rate is None and shown.response_time_ms is None and shown.last_checked is None
    assert seen.shown.check(MODEL)["available"] is True
    with pytest.raises(ModelNotFound):
        seen.shown.model("no/such")
    assert seen.shown.check("no/such") == {
        "model_id": "no/such",
        "available": False,
        "status": "unknown",
        "in_catalog": False,
    }


def test_traffic_decides_and_an_open_circuit_more(seen: Seen) -> None:
    seen.traffic.call("a", MODEL, ms=100.0)
    assert (seen.shown.model(MODEL).status, seen.shown.model(MODEL).success_rate) == ("available", 1.0)
    seen.traffic.call("b", MODEL, is_fault=True)
    both = seen.shown.model(MODEL)
    assert (both.status, both.available, both.error_count, both.success_rate) == ("degraded", True, 1, 0.5)
    seen.shut("a", "b")
    gone = seen.shown.model(MODEL)
    assert (gone.status, gone.available, gone.circuit_breaker_state) == ("unavailable", False, "OPEN")
    seen.scene.clock.advance(300)
    back = seen.shown.model(MODEL)
    assert (back.available, back.circuit_breaker_state) == (True, "HALF_OPEN")
    assert back.status == "degraded"


async def test_the_list_has_every_offer(seen: Seen) -> None:
    seen.traffic.call("a", MODEL)
    shown = await seen.shown.list_offers(ListQuery())
    assert [(each.model_id, each.provider, each.status) for each in shown] == [
        (MODEL, "a", "available"),
        (MODEL, "b", "unknown"),
        (SPARE, "c", "unknown"),
    ]
    assert [each.provider for each in await seen.shown.list_offers(ListQuery(gateway="B"))] == ["b"]
    assert [each.provider for each in await seen.shown.list_offers(ListQuery(status="available"))] == ["a"]
    assert [each.provider for each in await seen.shown.list_offers(ListQuery(limit=1, offset=1))] == ["b"]
    seen.shut("b")
    (open_one,) = await seen.shown.list_offers(ListQuery(provider="b"))
    assert (open_one.status, open_one.available) == ("unavailable", False)


def test_sums_are_of_what_was_called(seen: Seen) -> None:
    empty = seen.shown.summary(seen.now)
    assert (empty["total_models"], empty["catalogued_models"], empty["availability_percentage"]) == (0, 2, None)
    assert seen.shown.status(seen.now)["status"] == "operational"
    seen.traffic.call("a", MODEL)
    seen.traffic.call("c", SPARE)
    assert seen.shown.status(seen.now)["availability_percentage"] == 100.0
    seen.shut("c")
    summary = seen.shown.summary(seen.now)
    counted = [summary[f"{word}_models"] for word in ("total", "available", "unavailable")]
    assert (counted, summary["availability_percentage"]) == ([2, 1, 1], 50.0)
    assert summary["gateway_stats"] == {"a": {"total": 1, "available": 1}, "c": {"total": 1, "unavailable": 1}}
    assert seen.shown.status(seen.now)["status"] == "degraded"


async def test_maintenance_is_a_status(seen: Seen) -> None:
    seen.traffic.call("a", MODEL)
    await seen.maintenance.announce(MODEL, seen.now + timedelta(hours=1), "disks", "admin")
    shown = seen.shown.model(MODEL)
    assert (shown.status, shown.available) == ("maintenance", False)
    assert shown.maintenance_until == (seen.now + timedelta(hours=1)).isoformat()
    assert seen.shown.summary(seen.now)["maintenance_models"] == 1
    seen.scene.clock.advance(3600)
    assert seen.shown.model(MODEL).status == "available"


def test_what_to_take_instead(seen: Seen) -> None:
    shown = seen.shown.fallback(MODEL)
    assert shown["fallback_models"] == [{"model_id": SPARE, "available": True, "status": "unknown"}]
    assert [each["provider"] for each in shown["fallback_providers"]] == ["a", "b"]
    assert shown["best_available"] == MODEL
    seen.shut("a", "b")
    shown = seen.shown.fallback(MODEL)
    assert [each["available"] for each in shown["fallback_providers"]] == [False, False]
    assert shown["best_available"] == SPARE
    seen.shut("c")
    assert seen.shown.fallback(MODEL)["best_available"] is None


def test_where_a_call_is_best_sent_is_where_the_router_sends_it(seen: Seen) -> None:
    best = seen.shown.best(MODEL)
    assert (best["best_available"], best["best_provider"], best["is_primary"]) == (MODEL, "a", True)
    seen.shut("a")
    assert seen.shown.best(MODEL)["best_provider"] == "b"
    seen.shut("b")
    best = seen.shown.best(MODEL)
    assert (best["best_available"], best["best_provider"], best["is_primary"]) == (SPARE, "c", False)
    seen.shut("c")
    best = seen.shown.best(MODEL)
    assert (best["best_available"], best["best_provider"], best["is_primary"]) == (None, None, False)
    assert best["availability"] == "unavailable"
