from typing import Any

from gatewayz.store.analytics_records import AnalyticsEvent, EventFilter
from gatewayz.store.sql.store import SqlStore


def event(row_id: int, **more: Any) -> AnalyticsEvent:
    fields: dict[str, Any] = {"name": "click", "user_id": None, "claimed_user": None, "session_id": None}
    return AnalyticsEvent(id=row_id, **{**fields, "value": None, "metadata": None, **more})


async def ids(store: SqlStore, **wanted: Any) -> list[int]:
    return [each.id for each in await store.analytics.list_events(EventFilter(**wanted))]


async def test_events_are_kept_whole_and_listed_newest_first(store: SqlStore) -> None:
    full = event(
        2**62, name="buy ✓", user_id=2**53, claimed_user="a", session_id="s", value='"1"', metadata='{"a":"\\u0000"}'
    )
    await store.analytics.append([event(1), full, event(3)])
    assert await store.analytics.list_events(EventFilter()) == [full, event(3), event(1)]


async def test_a_repeated_write_changes_nothing(store: SqlStore) -> None:
    await store.analytics.append([event(1, name="first")])
    await store.analytics.append([event(1, name="again"), event(2)])
    assert [each.name for each in await store.analytics.list_events(EventFilter())] == ["click", "first"]


async def test_filters_and_pages(store: SqlStore) -> None:
    await store.analytics.append([event(n, name="ab"[n % 2], session_id=f"s{n % 3}") for n in range(1, 10)])
    assert await ids(store, name="a") == [8, 6, 4, 2]
    assert await ids(store, session_id="s0") == [9, 6, 3]
    assert await ids(store, name="a", session_id="s0") == [6]
    assert await ids(store, limit=2) == [9, 8] and await ids(store, before=8, limit=2) == [7, 6]


async def test_pruning_by_age_and_by_number(store: SqlStore) -> None:
    await store.analytics.append([event(n) for n in range(1, 5001)])
    assert await store.analytics.prune(2501, 10_000) == 2500
    assert (await ids(store, limit=10_000))[-1] == 2501
    assert await store.analytics.prune(0, 7) == 2493
    assert await ids(store) == list(range(5000, 4993, -1))
    assert await store.analytics.prune(0, 7) == 0
