from datetime import timedelta
from typing import Any

import pytest

from gatewayz.store.moment_id import first_id
from gatewayz.store.records import USAGE_COLUMNS
from gatewayz.store.sql.store import SqlStore
from gatewayz.store.usage_records import UsageFilter, UsageGroup, UsageTotals, UserTotals, Wallets
from tests.unit.store.test_usage_store import NOW, row

A: dict[str, Any] = {"input_tokens": 5, "cache_read_tokens": 4, "output_tokens": 2, "reasoning_tokens": 1}
CALLS: list[dict[str, Any]] = [
    {**A, "model": "v/Alpha", "provider": "p", "user_id": 1, "cost_nano": 10, "charged_nano": 12, "duration_ms": 100},
    {**A, "model": "v/alpha", "provider": "q", "user_id": 2, "cost_nano": 10, "charged_nano": 12, "duration_ms": 300},
    {**A, "model": "v/beta_x", "provider": "p", "user_id": 1, "cost_nano": None, "charged_nano": None, "status": 502},
    {"model": None, "requested_model": "v/gone", "provider": None, "user_id": None, "status": 499, "key_id": 3},
    {"model": "v/beta_x", "provider": "p", "user_id": 1, "error_code": "UPSTREAM_BROKEN"},
]


@pytest.fixture
async def reports(store: SqlStore) -> Any:
    rows = [row(first_id(NOW + timedelta(hours=at)), **{"key_id": 1, **call}) for at, call in enumerate(CALLS)]
    assert len(rows[0]) == len(USAGE_COLUMNS)
    await store.usage.append_usage(rows)
    return store.usage_reports


async def test_totals(reports: Any) -> None:
    assert await reports.totals(UsageFilter()) == UsageTotals(
        requests=5,
        failed_requests=2,
        input_tokens=27,
        output_tokens=9,
        duration_ms=400,
        cost=20,
        charged=24,
        users=2,
    )
    nothing = await reports.totals(UsageFilter(model="none"))
    assert (nothing.requests, nothing.failed_requests, nothing.charged, nothing.users) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (UsageFilter(), [4, 3, 2, 1, 0]),
        (UsageFilter(model="v/alpha"), [1]),
        (UsageFilter(model="v/gone"), [3]),
        (UsageFilter(name="ALPHA"), [1, 0]),
        (UsageFilter(name="beta_x"), [4, 2]),
        (UsageFilter(name="bet%"), []),
        (UsageFilter(provider="p"), [4, 2, 0]),
        (UsageFilter(key_id=3), [3]),
        (UsageFilter(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3)), [2, 1]),
    ],
)
async def test_pages_are_filtered_and_newest_first(reports: Any, wanted: UsageFilter, expected: list[int]) -> None:
    ids = [first_id(NOW + timedelta(hours=at)) for at in expected]
    assert [each["id"] for each in await reports.page(wanted, limit=10, offset=0)] == ids
    assert [each["id"] for each in await reports.page(wanted, limit=1, offset=1)] == ids[1:2]
    assert (await reports.totals(wanted)).requests == len(ids)


async def test_groups_and_users(reports: Any) -> None:
    assert await reports.group(UsageFilter(), "provider", limit=9) == [
        UsageGroup(name="p", requests=3, tokens=24, charged=12),
        UsageGroup(name="q", requests=1, tokens=12, charged=12),
    ]
    assert [each.name for each in await reports.group(UsageFilter(), "model", limit=2)] == ["v/beta_x", "v/Alpha"]
    assert await reports.top_users(UsageFilter(), limit=1) == [UserTotals(user_id=1, requests=3, tokens=24, charged=12)]


async def test_wallets_of_nobody(store: SqlStore) -> None:
    assert await store.usage_reports.wallets() == Wallets(spendable=0, held=0)
