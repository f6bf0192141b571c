import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from gatewayz.domain.maintenance import maintenance as module
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.maintenance_records import MaintenanceEntry
from tests.fakes.clock import FakeClock


class Store:
    """Announcements in a dict, for any number of processes; away when told."""

    def __init__(self) -> None:
        self.entries: dict[str, MaintenanceEntry] = {}
        self.is_away = False

    async def announce(self, entry: MaintenanceEntry) -> None:
        self.entries[entry.model] = entry

    async def take_back(self, model: str) -> bool:
        return self.entries.pop(model, None) is not None

    async def list_entries(self, now: datetime) -> Sequence[MaintenanceEntry]:
        if self.is_away:
            raise StoreUnavailable("away")
        return [entry for entry in self.entries.values() if entry.until is None or entry.until > now]


async def test_another_process_sees_it_after_its_next_look() -> None:
    store, clock = Store(), FakeClock()
    here, there = Maintenance(store, clock), Maintenance(store, clock)
    await here.announce("a/b", None, "disks", "admin")
    assert here.of("a/b") is not None and there.of("a/b") is None
    await there.refresh()
    entry = there.of("a/b")
    assert entry is not None and (entry.reason, entry.created_by) == ("disks", "admin")
    assert await there.take_back("a/b") and not await there.take_back("a/b")
    assert there.of("a/b") is None
    await here.refresh()
    assert here.of("a/b") is None


async def test_it_ends_on_time_without_a_look() -> None:
    clock = FakeClock()
    maintenance = Maintenance(Store(), clock)
    await maintenance.announce("a/b", clock.now() + timedelta(minutes=5), "", "admin")
    clock.advance(299)
    assert maintenance.of("a/b") is not None
    clock.advance(1)
    assert maintenance.of("a/b") is None


async def test_while_the_store_is_away_the_last_list_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.001)
    store = Store()
    maintenance = Maintenance(store, FakeClock())
    await maintenance.announce("a/b", None, "", "admin")
    store.is_away = True
    job = asyncio.create_task(maintenance.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert maintenance.of("a/b") is not None
    store.is_away = False
    store.entries.clear()
    for _ in range(2000):
        await asyncio.sleep(0.001)
        if maintenance.of("a/b") is None:
            break
    job.cancel()
    assert maintenance.of("a/b") is None
