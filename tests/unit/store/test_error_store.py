from gatewayz.store.error_records import PatternRow
from gatewayz.store.sql.store import SqlStore


def row(fingerprint: str = "a", *, count: int = 1, first: int = 10, last: int = 10, facts: str = "{}") -> PatternRow:
    return PatternRow(fingerprint=fingerprint, count=count, first_ms=first, last_ms=last, facts=facts)


async def kept(store: SqlStore, since: int = 0, limit: int = 100) -> list[PatternRow]:
    return list(await store.errors.list_patterns(since_ms=since, limit=limit))


async def test_counts_add_up_and_the_latest_facts_stay(store: SqlStore) -> None:
    await store.errors.add([row(count=2, first=20, last=30, facts='"b"')])
    await store.errors.add([row(count=3, first=10, last=15, facts='"a"')])
    assert await kept(store) == [row(count=5, first=10, last=30, facts='"b"')]
    await store.errors.add([row(count=1, first=40, last=40, facts='"c"')])
    assert await kept(store) == [row(count=6, first=10, last=40, facts='"c"')]


async def test_those_seen_last_come_first(store: SqlStore) -> None:
    await store.errors.add([row(f"{n:03}", last=n) for n in range(200)])
    assert [each.last_ms for each in await kept(store, limit=2)] == [199, 198]
    assert [each.last_ms for each in await kept(store, since=198)] == [199, 198]


async def test_pruning_by_age_and_by_number(store: SqlStore) -> None:
    await store.errors.add([row(f"{n:03}", last=n) for n in range(10)])
    assert await store.errors.prune(2, 100) == 2
    assert await store.errors.prune(0, 3) == 5
    assert [each.last_ms for each in await kept(store)] == [9, 8, 7]
