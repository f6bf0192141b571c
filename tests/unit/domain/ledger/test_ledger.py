import asyncio

import msgspec
import pytest

from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import MAX_AMOUNT, Ledger
from gatewayz.domain.ledger.operations import Balances
from gatewayz.sdk.errors import Conflict, InvalidRequest, PaymentRequired, ResourceNotFound
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock


async def fund(ledger: Ledger, user: int, *, trial: int = 0, allowance: int = 0, purchased: int = 0) -> None:
    parts = Parts(trial, allowance, purchased)
    await ledger.deposit(user, parts, kind="purchase", key=f"fund:{user}", counter="clearing")


async def test_trial_then_allowance_then_purchased(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, trial=10, allowance=20, purchased=70)
    assert await ledger.authorize(user, 50, "r") == 50
    assert await ledger.balances(user) == Balances(purchased=50, held=50)
    captured = await ledger.capture(user, "r", held=50, cost=25)
    assert (captured.charged, captured.held, captured.balance) == (25, 50, 75)
    assert await ledger.balances(user) == Balances(allowance=5, purchased=70)


async def test_a_whole_hold_is_released(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, trial=10, allowance=20, purchased=70)
    await ledger.authorize(user, 100, "r")
    for _ in range(3):
        await ledger.void(user, "r", held=100)
    assert await ledger.balances(user) == Balances(trial=10, allowance=20, purchased=70)
    with pytest.raises(Conflict):
        await ledger.capture(user, "r", held=100, cost=1)


async def test_what_is_not_there_is_not_held(ledger: Ledger, user: int) -> None:
    with pytest.raises(PaymentRequired):
        await ledger.authorize(user, 1, "a")
    await fund(ledger, user, purchased=2_500_000_000)
    with pytest.raises(PaymentRequired) as caught:
        await ledger.authorize(user, 3_000_000_000, "b")
    assert caught.value.context == {"current_credits": 2.5, "required_credits": 3.0, "credit_deficit": 0.5}
    with pytest.raises(PaymentRequired):
        await ledger.require(user, 2_500_000_001)
    await ledger.require(user, 2_500_000_000)
    assert await ledger.authorize(user, 2_500_000_000, "b") == 2_500_000_000


async def test_a_used_key_is_no_second_run(ledger: Ledger, store: SqlStore, user: int, clock: FakeClock) -> None:
    await fund(ledger, user, purchased=100)
    await ledger.authorize(user, 10, "r")
    with pytest.raises(Conflict) as caught:
        await ledger.authorize(user, 10, "r")
    assert caught.value.retry_after_s
    await ledger.capture(user, "r", held=10, cost=10)
    with pytest.raises(Conflict):
        await ledger.authorize(user, 10, "r")
    other = (await store.users.add_user(NewUser(email="other@example.com"), clock.now())).id
    await fund(ledger, other, purchased=100)
    with pytest.raises(Conflict):
        await ledger.authorize(other, 10, "r")
    assert (await ledger.balances(other)).spendable == 100


async def test_duplicates_at_once_hold_once(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    made = await asyncio.gather(*(ledger.authorize(user, 10, "r") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in made) == 9
    assert await ledger.balances(user) == Balances(purchased=90, held=10)


async def test_a_charge_is_made_once(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    await ledger.authorize(user, 50, "r")
    made = await asyncio.gather(*(ledger.capture(user, "r", held=50, cost=cost) for cost in (30, 40, 30)))
    assert [captured.charged for captured in made] == [30, 30, 30]
    assert len({captured.entry_id for captured in made}) == 1
    await ledger.void(user, "r", held=50)
    assert await ledger.balances(user) == Balances(purchased=70)


async def test_a_dearer_answer_takes_what_the_balance_allows(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, trial=5, purchased=55)
    await ledger.authorize(user, 20, "a")
    captured = await ledger.capture(user, "a", held=20, cost=50)
    assert (captured.charged, captured.held) == (50, 50)
    await ledger.authorize(user, 5, "b")
    captured = await ledger.capture(user, "b", held=5, cost=500)
    assert (captured.charged, captured.balance) == (10, 0)
    totals = (await ledger.audit()).totals
    assert (totals["revenue"], totals["loss"], totals["provider_cost"]) == (550, -490, -550)


async def test_holds_grow_in_steps(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    await ledger.authorize(user, 10, "r")
    assert await ledger.extend(user, 40, "r") == 40
    assert await ledger.extend(user, 30, "r") == 40
    with pytest.raises(PaymentRequired):
        await ledger.extend(user, 101, "r")
    assert await ledger.balances(user) == Balances(purchased=60, held=40)
    await ledger.capture(user, "r", held=40, cost=35)
    with pytest.raises(Conflict):
        await ledger.extend(user, 50, "r")
    assert await ledger.balances(user) == Balances(purchased=65)


async def test_free_calls_write_nothing_until_they_cost_something(ledger: Ledger, store: SqlStore, user: int) -> None:
    assert await ledger.authorize(user, 0, "r") == 0
    assert (await ledger.capture(user, "r", held=0, cost=0)).charged == 0
    await ledger.void(user, "r", held=0)
    assert await store.ledger.find_hold("r") is None
    await fund(ledger, user, purchased=10)
    assert await ledger.authorize(user, 0, "s") == 0
    assert (await ledger.capture(user, "s", held=0, cost=4)).charged == 4
    assert (await ledger.capture(user, "s", held=0, cost=4)).charged == 4
    assert await ledger.extend(user, 3, "t") == 3
    assert (await ledger.capture(user, "t", held=3, cost=2)).charged == 2
    assert await ledger.balances(user) == Balances(purchased=4)


async def test_a_cancelled_caller_holds_nothing(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    for number in range(20):
        task = asyncio.create_task(ledger.authorize(user, 5, f"r{number}"))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        while await ledger.balances(user) != Balances(purchased=100):  # noqa: ASYNC110  (the void tells nobody)
            await asyncio.sleep(0.005)


async def test_a_cancelled_capture_is_booked(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    await ledger.authorize(user, 50, "r")
    task = asyncio.create_task(ledger.capture(user, "r", held=50, cost=20))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await ledger.aclose()
    assert await ledger.balances(user) == Balances(purchased=80)


async def test_deposits_are_made_once_for_each_key(ledger: Ledger, user: int) -> None:
    made = await asyncio.gather(
        *(
            ledger.deposit(user, Parts(purchased=10), kind="purchase", key="pay_1", counter="clearing", actor="stripe")
            for _ in range(8)
        )
    )
    assert sorted(movement.is_repeat for movement in made) == [False] + [True] * 7
    assert {(movement.before, movement.after) for movement in made} == {(0, 10)}
    await ledger.deposit(user, Parts(trial=5), kind="trial", key="trial:1", counter="promotions")
    assert await ledger.balances(user) == Balances(trial=5, purchased=10)
    with pytest.raises(InvalidRequest):
        await ledger.deposit(user, Parts(purchased=-11), kind="admin_debit", key="d1", counter="promotions")
    await ledger.deposit(user, Parts(purchased=-10), kind="admin_debit", key="d2", counter="promotions")
    assert await ledger.balances(user) == Balances(trial=5)


async def test_a_key_of_one_customer_is_no_key_of_another(
    ledger: Ledger, store: SqlStore, user: int, clock: FakeClock
) -> None:
    await ledger.deposit(user, Parts(purchased=10), kind="purchase", key="pay_1", counter="clearing")
    other = (await store.users.add_user(NewUser(email="other@example.com"), clock.now())).id
    with pytest.raises(Conflict):
        await ledger.deposit(other, Parts(purchased=10), kind="purchase", key="pay_1", counter="clearing")
    with pytest.raises(ResourceNotFound):
        await ledger.deposit(999, Parts(purchased=10), kind="purchase", key="pay_2", counter="clearing")


async def test_an_allowance_does_not_roll_over(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, allowance=30, purchased=1)
    for _ in range(2):
        await ledger.reset_allowance(user, 15, kind="subscription_renewal", key="invoice_1", counter="clearing")
    assert await ledger.balances(user) == Balances(allowance=15, purchased=1)
    await ledger.reset_allowance(user, 0, kind="subscription_cancellation", key="end", counter="clearing")
    assert await ledger.balances(user) == Balances(purchased=1)


async def test_refunds_are_bounded_by_the_charge(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, allowance=100)
    await ledger.authorize(user, 50, "r")
    with pytest.raises(ResourceNotFound):
        await ledger.refund(user, reference="r", key="f0")
    await ledger.capture(user, "r", held=50, cost=40)
    first = await ledger.refund(user, reference="r", key="f1", amount=15)
    assert (first.before, first.after) == (60, 75)
    assert (await ledger.refund(user, reference="r", key="f1", amount=15)).is_repeat
    with pytest.raises(InvalidRequest):
        await ledger.refund(user, reference="r", key="f2", amount=26)
    await ledger.refund(user, reference="r", key="f3")
    with pytest.raises(InvalidRequest):
        await ledger.refund(user, reference="r", key="f4")
    assert await ledger.balances(user) == Balances(allowance=60, purchased=40)


async def test_transactions_are_listed_newest_first_with_the_balance_after(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, purchased=100)
    for number in range(5):
        await ledger.authorize(user, 10, f"r{number}")
        await ledger.capture(user, f"r{number}", held=10, cost=4, details={"model": "v/m"})
    await ledger.authorize(user, 10, "void")
    await ledger.void(user, "void", held=10)
    page = await ledger.list_entries(user, limit=3)
    rest = await ledger.list_entries(user, before=page[-1].id)
    listed = [*page, *rest]
    assert [entry.kind for entry in listed] == ["api_usage"] * 5 + ["purchase"]
    assert [entry.balance_after for entry in listed] == [80, 84, 88, 92, 96, 100]
    assert [entry.reference for entry in listed[:2]] == ["r4", "r3"]
    assert msgspec.json.decode(listed[0].details or "") == {"model": "v/m"}


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT + 1, 2**63])
async def test_what_is_no_amount(ledger: Ledger, user: int, amount: int) -> None:
    for attempt in (
        ledger.authorize(user, amount, "r"),
        ledger.extend(user, amount, "r"),
        ledger.capture(user, "r", held=0, cost=amount),
        ledger.refund(user, reference="r", key="k", amount=amount),
        ledger.reset_allowance(user, amount, kind="k", key="k", counter="clearing"),
    ):
        with pytest.raises(InvalidRequest):
            await attempt


async def test_the_largest_sums_stay_exact(ledger: Ledger, user: int) -> None:
    for number in range(4):
        await ledger.deposit(user, Parts(purchased=MAX_AMOUNT), kind="purchase", key=f"p{number}", counter="clearing")
    with pytest.raises(Exception, match="refused to book"):
        await ledger.deposit(user, Parts(purchased=MAX_AMOUNT), kind="purchase", key="p4", counter="clearing")
    assert (await ledger.balances(user)).purchased == 4 * MAX_AMOUNT


async def test_exactly_what_is_there_is_granted_to_two_hundred_at_once(ledger: Ledger, user: int) -> None:
    await fund(ledger, user, trial=3, allowance=4, purchased=13)
    made = await asyncio.gather(*(ledger.authorize(user, 1, f"r{n}") for n in range(200)), return_exceptions=True)
    assert sum(outcome == 1 for outcome in made) == 20
    assert sum(isinstance(outcome, PaymentRequired) for outcome in made) == 180
    assert ledger.stats().groups < 20
    assert await ledger.balances(user) == Balances(held=20)


async def test_many_customers_share_a_commit(ledger: Ledger, store: SqlStore, clock: FakeClock) -> None:
    users = [(await store.users.add_user(NewUser(email=f"u{n}@example.com"), clock.now())).id for n in range(30)]
    await asyncio.gather(*(fund(ledger, user, purchased=user) for user in users))
    made = await asyncio.gather(*(ledger.authorize(user, 15, f"r{user}") for user in users), return_exceptions=True)
    assert [outcome == 15 for outcome in made] == [user >= 15 for user in users]
