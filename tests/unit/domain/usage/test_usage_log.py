import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.usage import usage_log as module
from gatewayz.domain.usage.usage_log import UsageLog
from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.errors import Conflict, StoreUnavailable
from gatewayz.store.open import open_store
from gatewayz.store.records import UsageRow
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url
from tests.fakes.settlements import settlement


class FakeUsageStore:
    def __init__(self) -> None:
        self.rows: dict[int, UsageRow] = {}
        self.groups: list[int] = []
        self.is_away = False
        self.loses_answer = False
        """The rows are committed, and then the connection is lost."""
        self.refuses: set[str] = set()

    async def append_usage(self, rows: Sequence[UsageRow]) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnavailable("away")
        if any(row[0] in self.rows for row in rows):
            raise Conflict("taken")
        if any(row[1] in self.refuses for row in rows):
            raise ValueError("a value the database refuses")
        self.rows |= {row[0]: row for row in rows}
        self.groups.append(len(rows))
        if self.loses_answer:
            self.loses_answer = False
            raise StoreUnavailable("gone")

    async def prune_usage(self, before: datetime) -> int:
        return 0

    async def list_usage(
        self, user_id: int | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Mapping[str, Any]]:
        return []

    def requests(self) -> list[str]:
        return sorted(row[1] for row in self.rows.values())


def names(count: int) -> list[str]:
    return [f"req_{number:04}" for number in range(count)]


def make(store: FakeUsageStore, **options: Any) -> UsageLog:
    return UsageLog(store, FakeClock(), **options)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  (what is waited for tells nobody)
            await asyncio.sleep(0.005)


async def test_groups_are_written_in_order_and_bounded() -> None:
    store = FakeUsageStore()
    log = make(store)
    for name in names(600):
        log.record(settlement(request_id=name))
    assert log.stats().pending == 600
    assert await log.flush()
    assert store.groups == [256, 256, 88]
    assert [row[1] for _, row in sorted(store.rows.items())] == names(600)
    assert (log.stats().pending, log.stats().written, log.stats().dropped) == (0, 600, 0)


async def test_the_background_writes_soon() -> None:
    store = FakeUsageStore()
    log = make(store, flush_s=0.01)
    task = asyncio.create_task(log.run())
    log.record(settlement(request_id="req_0000"))
    await until(lambda: log.stats().written == 1)
    log.record(settlement(request_id="req_0001"))
    await until(lambda: log.stats().written == 2)
    task.cancel()
    assert store.requests() == names(2)


async def test_an_outage_loses_nothing_up_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    store = FakeUsageStore()
    log = make(store, max_pending=300, flush_s=0.005)
    store.is_away = True
    task = asyncio.create_task(log.run())
    for name in names(100):
        log.record(settlement(request_id=name))
    await asyncio.sleep(0.03)
    for number in range(100, 500):
        log.record(settlement(request_id=f"req_{number:04}"))
    assert log.stats().dropped == 100
    assert log.stats().pending == 400
    store.is_away = False
    await until(lambda: not log.stats().pending)
    task.cancel()
    assert store.requests() == names(400)


async def test_a_commit_whose_answer_was_lost_is_not_written_twice() -> None:
    store = FakeUsageStore()
    log = make(store)
    for name in names(10):
        log.record(settlement(request_id=name))
    store.loses_answer = True
    assert not await log.flush()
    log.record(settlement(request_id="req_0010"))
    assert await log.flush()
    assert store.requests() == names(11)
    assert log.stats().written == 11


async def test_two_processes_that_draw_the_same_ids_both_write() -> None:
    store = FakeUsageStore()
    draws = iter([3, 3, 4])
    first, second = (make(store, draw=lambda _: next(draws)) for _ in range(2))
    for log, prefix in ((first, "a"), (second, "b")):
        for number in range(20):
            log.record(settlement(request_id=f"{prefix}{number}"))
        assert await log.flush()
    assert len(store.rows) == 40


async def test_a_row_that_is_refused_leaves_the_others_alone() -> None:
    store = FakeUsageStore()
    log = make(store)
    for name in names(30):
        log.record(settlement(request_id=name))
    store.refuses = {"req_0017"}
    assert await log.flush()
    assert len(store.rows) == 29
    assert (log.stats().written, log.stats().dropped) == (29, 1)


async def test_shutdown_writes_what_is_left_and_counts_what_cannot_be() -> None:
    store = FakeUsageStore()
    log = make(store)
    log.record(settlement())
    await log.aclose()
    assert len(store.rows) == 1
    store.is_away = True
    log.record(settlement())
    await log.aclose()
    assert log.stats().dropped == 1


@pytest.fixture
async def sql_store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    yield store
    await store.aclose()


async def test_settlements_reach_the_database(sql_store: SqlStore) -> None:
    log = UsageLog(sql_store.usage, SystemClock())
    for name in names(700):
        log.record(settlement(request_id=name, requested_model="m\x00\ud800é"))
    assert await log.flush()
    found = await sql_store.usage.list_usage(7, limit=1000)
    assert [row["request_id"] for row in reversed(found)] == names(700)
    assert found[0]["requested_model"] == "m?é"
