import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gatewayz.config.sections.health import HealthEntry
from gatewayz.domain.health.readings import Readings
from gatewayz.jobs.health_checks import HealthChecks
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.interfaces import Reading
from gatewayz.store.health_records import ComponentReading
from tests.fakes.clock import FakeClock


class MemoryLeases:
    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.done: dict[str, Any] = {}

    async def take(self, name: str, holder: str, now: Any, until: Any, done_before: Any) -> bool:
        if name in self.held or (name in self.done and self.done[name] > done_before):
            return False
        self.held[name] = holder
        return True

    async def extend(self, name: str, holder: str, until: Any) -> bool:
        return self.held.get(name) == holder

    async def end(self, name: str, holder: str, until: Any, done: Any) -> None:
        del self.held[name]
        if done is not None:
            self.done[name] = done


class MemoryReadings:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], ComponentReading] = {}
        self.is_away = False

    async def keep(self, reading: ComponentReading) -> None:
        self.kept[reading.name, reading.place] = reading

    async def list_readings(self) -> Sequence[ComponentReading]:
        if self.is_away:
            raise StoreUnavailable("away")
        return list(self.kept.values())


class Check:
    def __init__(self, *readings: Reading, is_local: bool = False) -> None:
        self.readings, self.is_local, self.looks = list(readings), is_local, 0

    async def probe(self) -> Reading:
        self.looks += 1
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if reading.detail == "hangs":
            await asyncio.Event().wait()
        return reading


class Place:
    """Two processes, on two machines, with one store."""

    def __init__(self, check: Check, deadline_s: float = 5.0) -> None:
        self.clock, self.store, self.leases = FakeClock(), MemoryReadings(), MemoryLeases()
        self.entries = {"mine": HealthEntry(use="kind", interval_s=60, deadline_s=deadline_s)}
        self.readings = Readings(self.store, self.clock)
        self.probes: list[tuple[Any, ...]] = []
        self.runners = [
            HealthChecks(
                lambda: {"mine": (check, self.entries["mine"])},
                self.readings,
                lambda provider, model, **told: self.probes.append((provider, model, told["ok"])),
                self.leases,
                self.clock,
                holder=f"process {host}",
                host=host,
            )
            for host in ("one", "two")
        ]

    async def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for runner in self.runners:
            await runner.look()
        for runner in self.runners:
            await runner.join()


UP, DOWN = Reading(state="up"), Reading(state="down", detail="away")


async def test_one_process_looks_for_all_of_them() -> None:
    check = Check(UP)
    place = Place(check)
    for _ in range(12):
        await place.after(20)
    assert 3 <= check.looks <= 5, "every minute, whoever looks"
    assert list(place.store.kept) == [("mine", "")]


async def test_of_a_machine_each_machine_looks() -> None:
    place = Place(Check(UP, is_local=True))
    await place.after(0)
    assert sorted(place.store.kept) == [("mine", "one"), ("mine", "two")]


async def test_failures_are_counted_and_since_stays() -> None:
    place = Place(Check(UP, DOWN, DOWN, UP))
    seen = []
    for _ in range(4):
        await place.after(61)
        reading = place.store.kept["mine", ""]
        seen.append((reading.state, reading.failures, reading.since == reading.at))
    assert seen == [("up", 0, True), ("down", 1, True), ("down", 2, False), ("up", 0, True)]


async def test_a_look_that_takes_too_long_is_down() -> None:
    place = Place(Check(Reading(state="up", detail="hangs")), deadline_s=0.05)
    await place.after(0)
    assert place.store.kept["mine", ""].state == "down"
    assert "0.05 s" in place.store.kept["mine", ""].detail


@pytest.mark.parametrize(("state", "is_ok"), [("up", True), ("degraded", True), ("down", False)])
async def test_a_look_at_an_offer_is_a_probe(state: Any, is_ok: bool) -> None:
    place = Place(Check(Reading(state=state, provider="p", model="a/b")))
    await place.after(0)
    assert place.probes == [("p", "a/b", is_ok)]


async def test_readings_go_stale_and_outlive_a_lost_database() -> None:
    place = Place(Check(UP))
    (never,) = await place.readings.components(place.entries)
    assert (never.state, never.checked_at) == ("unknown", None)
    await place.after(3)
    (shown,) = await place.readings.components(place.entries)
    assert shown.state == "up"
    place.store.is_away = True
    place.clock.advance(100)
    assert (await place.readings.components(place.entries))[0].state == "up"
    place.clock.advance(100)
    assert (await place.readings.components(place.entries))[0].state == "unknown"
    assert await place.readings.components({}) == []
