import asyncio
from datetime import timedelta

import pytest

from gatewayz.config.sections.money import Ledger as LedgerSettings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.operations import Balances
from gatewayz.domain.ledger.sweep import PRUNE_EVERY, Sweeper
from gatewayz.sdk.errors import Conflict
from gatewayz.store.ledger_records import HoldState
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock

RULES = LedgerSettings(beat_s=5.0, lease_s=20.0, hold_ttl_s=3600.0, keep_holds_days=30)


@pytest.fixture
async def funded(ledger: Ledger, user: int) -> int:
    await ledger.deposit(user, Parts(allowance=10, purchased=90), kind="purchase", key="p", counter="clearing")
    return user


@pytest.fixture
def others(store: SqlStore, clock: FakeClock) -> Sweeper:
    """The sweeper of another process."""
    return Sweeper(Ledger(store.ledger, clock), store.ledger, clock, RULES)


async def test_holds_of_the_living_are_left_alone(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    own = Sweeper(ledger, store.ledger, clock, RULES)
    await own.round()
    await ledger.authorize(funded, 40, "r")
    for _ in range(10):
        clock.advance(15)
        await own.round()
        await others.round()
    assert (await ledger.balances(funded)).held == 40


async def test_an_orphan_that_delivered_nothing_is_released(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    await ledger.authorize(funded, 40, "r")
    clock.advance(19)
    await others.round()
    assert (await ledger.balances(funded)).held == 40
    clock.advance(2)
    await others.round()
    assert await ledger.balances(funded) == Balances(allowance=10, purchased=90)
    await others.round()


async def test_an_orphan_is_charged_what_is_known_to_be_delivered(
    ledger: Ledger, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    await ledger.authorize(funded, 40, "r")
    for delivered in (5, 25, 20):
        ledger.mark(funded, "r", delivered)
        await ledger.write_marks()
    clock.advance(21)
    assert await others.sweep() == 1
    assert await others.sweep() == 0
    assert await ledger.balances(funded) == Balances(purchased=75)
    entry = (await ledger.list_entries(funded))[0]
    assert '"usage_source":"estimated"' in (entry.details or "")
    assert (await ledger.capture(funded, "r", held=40, cost=40)).charged == 25


async def test_a_mark_above_the_hold_charges_the_hold(
    ledger: Ledger, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    await ledger.authorize(funded, 40, "r")
    ledger.mark(funded, "r", 1_000)
    await ledger.write_marks()
    clock.advance(21)
    await others.sweep()
    assert await ledger.balances(funded) == Balances(purchased=60)


async def test_a_paused_process_that_wakes_up_still_charges(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    await ledger.authorize(funded, 40, "r")
    await ledger.authorize(funded, 30, "s")
    clock.advance(21)
    await others.sweep()
    assert (await ledger.balances(funded)).held == 0
    assert (await ledger.capture(funded, "r", held=40, cost=35)).charged == 35
    assert await ledger.extend(funded, 45, "s") == 45
    assert await ledger.balances(funded) == Balances(purchased=20, held=45)
    await ledger.void(funded, "s", held=45)
    assert await ledger.balances(funded) == Balances(purchased=65)
    with pytest.raises(Conflict):
        await ledger.authorize(funded, 1, "s")


async def test_two_sweepers_settle_an_orphan_once(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    for number in range(8):
        await ledger.authorize(funded, 10, f"r{number}")
        ledger.mark(funded, f"r{number}", 3)
    await ledger.write_marks()
    clock.advance(21)
    third = Sweeper(Ledger(store.ledger, clock), store.ledger, clock, RULES)
    await asyncio.gather(others.sweep(), third.sweep(), others.sweep())
    assert await ledger.balances(funded) == Balances(allowance=7, purchased=69)


async def test_a_hold_forgotten_by_a_living_process_ends_with_its_time(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int
) -> None:
    own = Sweeper(ledger, store.ledger, clock, RULES)
    await ledger.authorize(funded, 40, "r")
    clock.advance(3599)
    await own.round()
    assert (await ledger.balances(funded)).held == 40
    clock.advance(2)
    await own.round()
    assert (await ledger.balances(funded)).held == 0


async def test_settled_holds_are_forgotten_and_their_entries_are_not(
    ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int, others: Sweeper
) -> None:
    for key in ("done", "open"):
        await ledger.authorize(funded, 10, key)
    await ledger.capture(funded, "done", held=10, cost=10)
    await others.round()
    clock.advance(timedelta(days=29).total_seconds())
    assert await others.prune() == 0
    clock.advance(timedelta(days=2).total_seconds())
    assert await others.prune() == 1
    assert await store.ledger.find_hold("done") is None
    left = await store.ledger.find_hold("open")
    assert left is not None
    assert left.state == HoldState.OPEN
    assert (await ledger.audit()).is_clean
    assert timedelta(hours=1) == PRUNE_EVERY
    await others.aclose()


async def test_upkeep_goes_on_beside_requests(ledger: Ledger, store: SqlStore, clock: FakeClock, funded: int) -> None:
    rules = LedgerSettings(beat_s=0.01, mark_s=0.01)
    task = asyncio.create_task(Sweeper(ledger, store.ledger, clock, rules).run())
    await ledger.authorize(funded, 40, "r")
    ledger.mark(funded, "r", 7)
    async with asyncio.timeout(5):
        while (hold := await store.ledger.find_hold("r")) is None or hold.progress != 7:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
