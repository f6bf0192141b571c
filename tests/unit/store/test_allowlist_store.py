from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatewayz.sdk.errors import Conflict
from gatewayz.store.allowlist_records import AllowlistChanges, AllowlistEntry, AllowlistFilter
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(id: str, network: str = "203.0.113.0/24", **more: Any) -> AllowlistEntry:
    fields: dict[str, Any] = {
        "user_id": None,
        "reason": "Office",
        "created_by": "admin",
        "is_enabled": True,
        "expires_at": None,
        "metadata": {"team": ["net"]},
        "created_at": NOW,
        "updated_at": NOW,
    }
    return AllowlistEntry(id=id, network=network, **{**fields, **more})


async def test_a_network_is_listed_once_for_the_same_people(store: SqlStore) -> None:
    await store.allowlist.add(entry("a"))
    await store.allowlist.add(entry("b", user_id=7))
    with pytest.raises(Conflict, match="listed already"):
        await store.allowlist.add(entry("c"))
    assert await store.allowlist.find("a") == entry("a")
    assert await store.allowlist.find("b") == entry("b", user_id=7)
    assert await store.allowlist.find("c") is None


async def test_filters(store: SqlStore) -> None:
    await store.allowlist.add(entry("a", "10.0.0.1"))
    await store.allowlist.add(entry("b", "10.0.0.2", is_enabled=False, created_at=NOW + timedelta(seconds=1)))
    await store.allowlist.add(entry("c", "10.0.0.3", expires_at=NOW, user_id=7, created_at=NOW + timedelta(seconds=2)))

    async def ids(**wanted: Any) -> str:
        return "".join(each.id for each in await store.allowlist.list_entries(AllowlistFilter(**wanted)))

    assert await ids() == "abc"
    assert await ids(is_enabled=True) == "ac"
    assert await ids(expires_after=NOW) == "ab"
    assert await ids(expires_after=NOW - timedelta(seconds=1)) == "abc"
    assert await ids(user_id=7) == "c"


async def test_change_and_remove(store: SqlStore) -> None:
    await store.allowlist.add(entry("a", expires_at=NOW))
    later = NOW + timedelta(hours=1)
    changed = await store.allowlist.change("a", AllowlistChanges(is_enabled=False, expires_at=None), later)
    assert changed == entry("a", is_enabled=False, updated_at=later) == await store.allowlist.find("a")
    assert await store.allowlist.change("b", AllowlistChanges(reason="x"), later) is None
    assert await store.allowlist.remove("a") and not await store.allowlist.remove("a")
