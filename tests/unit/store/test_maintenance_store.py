from datetime import UTC, datetime, timedelta
from typing import Any

from gatewayz.store.maintenance_records import MaintenanceEntry
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(model: str = "a/b", **more: Any) -> MaintenanceEntry:
    fields: dict[str, Any] = {"until": None, "reason": "disks", "created_by": "user:1", "created_at": NOW}
    return MaintenanceEntry(model=model, **{**fields, **more})


async def test_an_announcement_replaces_the_one_before(store: SqlStore) -> None:
    await store.maintenance.announce(entry())
    again = entry(until=NOW + timedelta(hours=1), reason="more disks")
    await store.maintenance.announce(again)
    await store.maintenance.announce(entry("c/d"))
    listed = await store.maintenance.list_entries(NOW)
    assert sorted(listed, key=lambda each: each.model) == [again, entry("c/d")]


async def test_what_has_ended_is_not_listed(store: SqlStore) -> None:
    await store.maintenance.announce(entry(until=NOW))
    assert list(await store.maintenance.list_entries(NOW)) == []
    assert len(await store.maintenance.list_entries(NOW - timedelta(seconds=1))) == 1


async def test_taking_back(store: SqlStore) -> None:
    await store.maintenance.announce(entry())
    assert await store.maintenance.take_back("a/b")
    assert not await store.maintenance.take_back("a/b")
    assert list(await store.maintenance.list_entries(NOW)) == []
