import msgspec

from gatewayz.store.observation_records import COUNTERS, StateRow, TrafficKey, TrafficRow, Wanted
from gatewayz.store.sql.store import SqlStore

STATE = StateRow(
    provider="a",
    model="m",
    last_outcome="fault",
    last_status=503,
    called_ms=2_000,
    success_ms=1_000,
    failure_ms=2_000,
    response_ms=1.5,
    last_error="UPSTREAM_ERROR",
    consecutive_failures=2,
)


def row(start: int, provider: str = "a", process: str = "p", value: int = 1, model: str = "m") -> TrafficRow:
    return TrafficRow(start, provider, model, process, (value,) * len(COUNTERS), bytes([value]))


async def listed(store: SqlStore, step: int = 60, **wanted: object) -> list[TrafficRow]:
    fields = {"step": step, "first": 0, "end": 10**10} | wanted
    return list(await store.observation.list_traffic(msgspec.convert(fields, Wanted)))


async def test_rows_are_written_over(store: SqlStore) -> None:
    await store.observation.write_traffic(60, [row(60), row(120), row(60, process="q")])
    await store.observation.write_traffic(60, [row(60, value=5)])
    assert await listed(store) == [row(60, value=5), row(60, process="q"), row(120)]
    await store.observation.write_traffic(60, [])


async def test_what_is_wanted(store: SqlStore) -> None:
    rows = [row(60), row(60, "b"), row(60, "b", model="n"), row(120, "b", "q")]
    await store.observation.write_traffic(60, rows)
    await store.observation.write_traffic(3600, [row(0, process="")])
    assert await listed(store, first=120) == rows[3:]
    assert await listed(store, end=120) == rows[:3]
    assert await listed(store, provider="b", model="m") == [rows[1], rows[3]]
    assert await listed(store, not_of="p") == rows[3:]
    assert await listed(store, 3600) == [row(0, process="")]
    assert await store.observation.bounds(60) == (60, 120)
    assert await store.observation.bounds(86400) is None


async def test_pages_follow_each_other(store: SqlStore) -> None:
    rows = sorted((row(60 * n, provider, process) for n in range(3) for provider in "ab" for process in "pq"), key=_key)
    await store.observation.write_traffic(60, rows)
    wanted = Wanted(step=60, first=0, end=1000)
    found: list[TrafficRow] = []
    while page := await store.observation.list_traffic(wanted, after=found[-1].key if found else None, limit=5):
        found += page
    assert found == rows


async def test_old_rows_go(store: SqlStore) -> None:
    await store.observation.write_traffic(60, [row(60 * n, f"p{m}") for n in range(3) for m in range(1500)])
    await store.observation.write_traffic(3600, [row(0, process="")])
    assert await store.observation.prune_traffic(60, 120) == 3000
    assert await store.observation.bounds(60) == (120, 120)
    assert len(await listed(store, 3600)) == 1


async def test_newer_facts_win(store: SqlStore) -> None:
    observation = store.observation
    await observation.write_states([STATE])
    older = msgspec.structs.replace(STATE, called_ms=1_500, success_ms=1_500, last_outcome="success")
    await observation.write_states([older])
    assert await observation.list_states() == [STATE]
    # A process that has not seen the last success does not take it away.
    newer = msgspec.structs.replace(STATE, called_ms=3_000, success_ms=None, failure_ms=3_000, consecutive_failures=1)
    await observation.write_states([newer])
    assert await observation.list_states() == [msgspec.structs.replace(newer, success_ms=1_000)]
    assert await observation.list_states(since_ms=3_001) == []


def _key(each: TrafficRow) -> TrafficKey:
    return each.key
