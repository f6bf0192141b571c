from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from gatewayz.sdk.errors import Conflict
from gatewayz.store.moment_id import EPOCH, MomentIds, first_id, moment_of
from gatewayz.store.records import USAGE_COLUMNS, UsageRow
from gatewayz.store.sql.statements import Refused
from gatewayz.store.sql.store import SqlStore
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.usage_records import UsageApp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(row_id: int, **changes: Any) -> UsageRow:
    values: dict[str, Any] = dict.fromkeys(USAGE_COLUMNS, 0) | {
        "id": row_id,
        "request_id": f"req_{row_id}",
        "user_id": 7,
        "operation": "openai_chat",
        "requested_model": "m",
        "model": "v/m",
        "provider": "p",
        "upstream_model": "m",
        "error_code": None,
        "is_stream": True,
        "usage_source": "provider",
        "attempts": None,
        "candidates": None,
        "reason": None,
        "rates": None,
        "cache": None,
        "saved_nano": None,
        "app": None,
        "app_url": None,
        "status": 200,
    }
    return tuple((values | changes)[name] for name in USAGE_COLUMNS)


def test_the_columns_of_rows_are_the_columns_of_the_table() -> None:
    assert tuple(usage_log.columns.keys()) == USAGE_COLUMNS


async def test_rows_come_back_newest_first_by_pages(store: SqlStore) -> None:
    ids = MomentIds(lambda _: 1)
    drawn = [ids.next(first_id(NOW + timedelta(milliseconds=number // 3))) for number in range(600)]
    await store.usage.append_usage([row(row_id) for row_id in drawn])
    await store.usage.append_usage([])
    page = await store.usage.list_usage(7, limit=250)
    rest = await store.usage.list_usage(7, before=page[-1]["id"], limit=1000)
    assert [found["id"] for found in (*page, *rest)] == drawn[::-1]
    assert await store.usage.list_usage(8) == []
    assert page[0]["is_stream"] is True
    assert page[0]["usage_source"] == "provider"


async def test_a_taken_id_refuses_the_whole_group(store: SqlStore) -> None:
    await store.usage.append_usage([row(first_id(NOW))])
    with pytest.raises(Conflict):
        await store.usage.append_usage([row(first_id(NOW) + 1), row(first_id(NOW))])
    assert len(await store.usage.list_usage()) == 1


async def test_a_row_the_database_cannot_take_is_not_an_absent_database(store: SqlStore) -> None:
    with pytest.raises(Refused) as caught:
        await store.usage.append_usage([row(first_id(NOW), operation=None)])
    assert caught.value.reason == "rule"
    with pytest.raises((DBAPIError, OverflowError)):
        await store.usage.append_usage([row(first_id(NOW), user_id=2**70)])
    await store.usage.append_usage([row(first_id(NOW))])


async def test_old_days_are_forgotten(store: SqlStore) -> None:
    days = [NOW - timedelta(days=age) for age in (3, 2, 1, 0)]
    for day in days:
        await store.usage.append_usage([row(first_id(day) + number) for number in range(20)])
    assert await store.usage.prune_usage(NOW.replace(hour=0) - timedelta(days=1)) > 0
    left = await store.usage.list_usage(limit=1000)
    assert {moment_of(found["id"]).date() for found in left} == {days[2].date(), days[3].date()}
    assert await store.usage.prune_usage(NOW - timedelta(days=30)) == 0


async def test_rows_of_a_day_without_partition_are_kept(url: str, store: SqlStore) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("partitions are PostgreSQL's")
    await store.usage.append_usage([row(first_id(NOW))])
    old = NOW - timedelta(days=40)
    store.usage._partitioned_until = NOW + timedelta(days=9)  # as if the day had been seen to
    await store.usage.append_usage([row(first_id(old))])
    store.usage._partitioned_until = None
    await store.usage.append_usage([row(first_id(old) + 1)])
    assert len(await store.usage.list_usage()) == 3
    await store.usage.prune_usage(NOW - timedelta(days=1))
    assert len(await store.usage.list_usage()) == 1


@given(st.lists(st.integers(-5_000, 5_000), max_size=200), st.integers(0, 4095))
def test_ids_rise_whatever_the_clock_does(steps_ms: list[int], worker: int) -> None:
    ids = MomentIds(lambda _: worker)
    moment, last = NOW, 0
    for step_ms in steps_ms:
        moment += timedelta(milliseconds=step_ms)
        drawn = ids.next(first_id(moment))
        assert drawn > last
        assert moment_of(drawn) >= moment - timedelta(milliseconds=1)
        last = drawn


def test_a_full_millisecond_borrows_from_the_next() -> None:
    ids = MomentIds(lambda _: 5)
    drawn = [ids.next(first_id(NOW)) for _ in range(5_000)]
    assert len(set(drawn)) == 5_000
    assert drawn == sorted(drawn)
    assert moment_of(drawn[-1]) <= NOW + timedelta(milliseconds=5)
    assert (drawn[-1] >> 10) & 0xFFF == 5


def test_ids_fit_a_signed_64_bit_column() -> None:
    assert first_id(EPOCH + timedelta(days=365 * 60)) < 2**63


async def test_applications_are_summed_by_address_or_name(store: SqlStore) -> None:
    ids = MomentIds(lambda _: 1)
    calls = [
        {"app": "Worst name", "app_url": "https://a.example", "output_tokens": 5},
        {"app": "Page", "app_url": "https://a.example", "output_tokens": 6},
        {"app": "Tool", "output_tokens": 7},
        {"app": "Failed", "output_tokens": 50, "charged_nano": None, "status": 503},
        {"output_tokens": 100},
    ]
    await store.usage.append_usage([row(ids.next(first_id(NOW)), **call) for call in calls])
    later = NOW + timedelta(seconds=1)
    assert list(await store.usage_reports.apps(NOW, later, limit=9)) == [
        UsageApp(name="Page", url="https://a.example", requests=2, tokens=11),
        UsageApp(name="Tool", url=None, requests=1, tokens=7),
    ]
    assert [app.name for app in await store.usage_reports.apps(NOW, later, limit=1)] == ["Page"]
    assert list(await store.usage_reports.apps(later, later + timedelta(days=1), limit=9)) == []
