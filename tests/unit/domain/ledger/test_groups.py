"""A database that goes away at the worst moments."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger import groups as module
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.operations import Balances
from gatewayz.sdk.errors import Conflict, StoreUnavailable
from gatewayz.store.ledger_records import LedgerChanges, LedgerScope, LedgerView
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz.store.sql.ledger import SqlLedgerStore
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

T = TypeVar("T")


class FlakyStore(SqlLedgerStore):
    """Fails before the commit, or after it."""

    is_away = False
    loses_answers = 0
    poison = ""

    async def transact(self, scope: LedgerScope, decide: Callable[[LedgerView], tuple[LedgerChanges, T]]) -> T:
        if self.is_away:
            raise StoreUnavailable("away", retry_after_s=1.0)
        if self.poison and self.poison in scope.hold_keys:
            raise ValueError("a value the database refuses")
        result = await super().transact(scope, decide)
        if self.loses_answers:
            self.loses_answers -= 1
            raise StoreUnavailable("gone", retry_after_s=1.0)
        return result


class Bench:
    def __init__(self, store: SqlStore, user: int) -> None:
        self.flaky = FlakyStore(store.database)
        self.ledger = Ledger(self.flaky, FakeClock())
        self.user = user

    async def settled(self) -> Balances:
        async with asyncio.timeout(5):
            while self.ledger.stats().backlog or (await self.ledger.balances(self.user)).held:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.ledger.balances(self.user)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "RETRY_LIMIT_S", 0.02)
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    user = (await store.users.add_user(NewUser(email="a@example.com"), FakeClock().now())).id
    bench = Bench(store, user)
    await bench.ledger.deposit(user, Parts(purchased=100), kind="purchase", key="p", counter="clearing")
    yield bench
    await bench.ledger.aclose()
    assert (await bench.ledger.audit()).is_clean
    await store.aclose()


async def test_no_hold_no_call_while_the_database_is_away(bench: Bench) -> None:
    bench.flaky.is_away = True
    with pytest.raises(StoreUnavailable) as caught:
        await bench.ledger.authorize(bench.user, 10, "r")
    assert caught.value.retry_after_s
    with pytest.raises(StoreUnavailable):
        await bench.ledger.extend(bench.user, 10, "r")
    bench.flaky.is_away = False
    assert await bench.settled() == Balances(purchased=100)
    assert await bench.ledger.authorize(bench.user, 10, "r2") == 10
    await bench.ledger.void(bench.user, "r2", held=10)


async def test_charges_made_while_the_database_is_away_are_booked_later(bench: Bench) -> None:
    for number in range(5):
        await bench.ledger.authorize(bench.user, 10, f"r{number}")
    bench.flaky.is_away = True
    captured = [await bench.ledger.capture(bench.user, f"r{n}", held=10, cost=n * 4) for n in range(4)]
    assert [c.charged for c in captured] == [0, 4, 8, 10]
    assert {c.balance for c in captured} == {None}
    await bench.ledger.void(bench.user, "r4", held=10)
    assert bench.ledger.stats().backlog == 5
    await asyncio.sleep(0.05)
    bench.flaky.is_away = False
    # The last one costs 12: the balance pays what the hold did not.
    assert await bench.settled() == Balances(purchased=100 - 4 - 8 - 12)


async def test_a_lost_answer_is_no_second_charge(bench: Bench) -> None:
    await bench.ledger.authorize(bench.user, 20, "r")
    bench.flaky.loses_answers = 1
    captured = await bench.ledger.capture(bench.user, "r", held=20, cost=15)
    assert captured.charged == 15
    assert await bench.settled() == Balances(purchased=85)


async def test_a_hold_whose_answer_was_lost_is_released(bench: Bench) -> None:
    bench.flaky.loses_answers = 1
    with pytest.raises(StoreUnavailable):
        await bench.ledger.authorize(bench.user, 20, "r")
    assert await bench.settled() == Balances(purchased=100)


async def test_one_bad_operation_does_not_take_its_neighbours(bench: Bench) -> None:
    bench.flaky.poison = "r3"
    made = await asyncio.gather(
        *(bench.ledger.authorize(bench.user, 5, f"r{n}") for n in range(8)), return_exceptions=True
    )
    assert [outcome == 5 for outcome in made] == [True, True, True, False, True, True, True, True]
    bench.flaky.poison = ""
    await asyncio.gather(*(bench.ledger.void(bench.user, f"r{n}", held=5) for n in range(8)))


async def test_a_queue_that_is_full_refuses_new_holds_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.ledger.authorize(bench.user, 10, "held")
    monkeypatch.setattr(module, "QUEUE_LIMIT", 3)
    made = await asyncio.gather(
        *(bench.ledger.authorize(bench.user, 1, f"r{n}") for n in range(6)),
        bench.ledger.capture(bench.user, "held", held=10, cost=10),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, StoreUnavailable) for outcome in made) == 3
    assert not isinstance(made[-1], Exception)
    for number in range(3):
        await bench.ledger.void(bench.user, f"r{number}", held=1)


async def test_what_cannot_be_booked_at_shutdown_is_left_to_the_sweep(bench: Bench) -> None:
    await bench.ledger.authorize(bench.user, 10, "r")
    bench.flaky.is_away = True
    await bench.ledger.capture(bench.user, "r", held=10, cost=5)
    await bench.ledger.aclose()
    assert bench.ledger.stats().backlog == 1
    bench.flaky.is_away = False
    await bench.ledger.aclose()
    assert await bench.ledger.balances(bench.user) == Balances(purchased=95)


async def test_a_repeated_hold_after_a_lost_answer_is_a_new_request(bench: Bench) -> None:
    bench.flaky.loses_answers = 1
    with pytest.raises(StoreUnavailable):
        await bench.ledger.authorize(bench.user, 20, "r")
    await bench.settled()
    with pytest.raises(Conflict):
        await bench.ledger.authorize(bench.user, 20, "r")
