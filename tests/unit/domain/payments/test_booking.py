import asyncio

import pytest

from gatewayz.domain.ledger.book import Parts
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.payments import DisputeNotice, RefundNotice, UnpaidNotice
from tests.unit.domain.payments.conftest import Till, intent_paid, page_paid

TEN = 10 * NANO_PER_USD


def dispute(payment_id: int, state: str = "taken", amount: int = 1000) -> DisputeNotice:
    assert state in ("taken", "won")
    return DisputeNotice(
        dispute_id="dp_1",
        intent_id=f"pi_{payment_id}",
        amount=amount,
        currency="usd",
        state="taken" if state == "taken" else "won",
    )


def refund(payment_id: int, returned: int) -> RefundNotice:
    return RefundNotice(intent_id=f"pi_{payment_id}", returned=returned, currency="usd")


async def spend(till: Till, user_id: int, amount: int) -> None:
    parts = Parts(purchased=amount)
    await till.ledger.take_back(user_id, parts.total, kind="admin_debit", key=f"spent:{user_id}", actor="test")


async def test_every_event_of_a_payment_in_parallel_credits_once(till: Till) -> None:
    user = await till.user()
    payment_id = await till.payment(user)
    notices = [page_paid(payment_id), intent_paid(payment_id)] * 4
    said = await asyncio.gather(*(till.book.apply(notice) for notice in notices))
    assert said.count("The payment is booked.") == 1
    assert await till.purchased(user) == TEN
    found = await till.find(payment_id)
    assert (found.status, found.paid, found.intent_id) == ("completed", 1000, f"pi_{payment_id}")


async def test_the_intent_may_come_before_the_page(till: Till) -> None:
    user = await till.user()
    payment_id = await till.payment(user)
    for notice in (intent_paid(payment_id), page_paid(payment_id)):
        await till.book.apply(notice)
    assert await till.purchased(user) == TEN


@pytest.mark.parametrize(("came", "credit"), [(600, 600), (1200, 1200), (1, 1)])
async def test_credit_is_what_was_really_paid(till: Till, came: int, credit: int) -> None:
    user = await till.user()
    payment_id = await till.payment(user)
    await till.book.apply(page_paid(payment_id, came))
    assert await till.purchased(user) == credit * NANO_PER_USD // 100
    assert (await till.find(payment_id)).paid == came


async def test_a_package_gives_its_credit_in_proportion(till: Till) -> None:
    user = await till.user()
    payment_id = await till.payment(user, amount=4500, credit=5000)
    await till.book.apply(page_paid(payment_id, 900))
    assert await till.purchased(user) == TEN


async def test_another_currency_is_not_booked(till: Till) -> None:
    user = await till.user()
    payment_id = await till.payment(user)
    await till.book.apply(page_paid(payment_id, currency="jpy"))
    assert await till.purchased(user) == 0
    assert (await till.find(payment_id)).status == "mismatch"


async def test_a_payment_of_nobody_moves_nothing(till: Till) -> None:
    assert await till.book.apply(page_paid(4711)) == "The payment is not one of ours."
    assert await till.book.apply(refund(4711, 5)) == "The payment is not one of ours."
    assert await till.book.apply(dispute(4711)) == "The payment is not one of ours."


async def test_a_failure_after_the_payment_changes_nothing(till: Till) -> None:
    user = await till.user()
    pending, done = await till.payment(user), await till.paid(user)
    for payment_id in (pending, done):
        session = f"cs_{payment_id}"
        await till.book.apply(UnpaidNotice(payment_id=None, session_id=session, intent_id=None, status="expired"))
    assert ((await till.find(pending)).status, (await till.find(done)).status) == ("expired", "completed")


async def test_refunds_are_taken_back_once_each(till: Till) -> None:
    user = await till.user()
    payment_id = await till.paid(user)
    for returned, left, status in (
        (300, 700, "partially_refunded"),
        (300, 700, "partially_refunded"),
        (1000, 0, "refunded"),
        (300, 0, "refunded"),
    ):
        await till.book.apply(refund(payment_id, returned))
        assert await till.purchased(user) == left * NANO_PER_USD // 100
        assert (await till.find(payment_id)).status == status


async def test_a_refund_of_spent_credit_is_a_loss_and_no_debt(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    user = await till.user()
    payment_id = await till.paid(user)
    await spend(till, user.id, 7 * NANO_PER_USD)
    await asyncio.gather(*(till.book.apply(refund(payment_id, 1000)) for _ in range(3)))
    assert await till.purchased(user) == 0
    assert f"credit of {7 * NANO_PER_USD} nano-dollars was spent before" in caplog.text
    assert (await till.ledger.audit()).is_clean


async def test_a_dispute_takes_and_gives_again_what_it_took(till: Till) -> None:
    user = await till.user()
    payment_id = await till.paid(user)
    await spend(till, user.id, 4 * NANO_PER_USD)
    for _ in range(2):
        await till.book.apply(dispute(payment_id))
        assert await till.purchased(user) == 0
    assert (await till.find(payment_id)).status == "disputed"
    for _ in range(2):
        await till.book.apply(dispute(payment_id, "won"))
        assert await till.purchased(user) == 6 * NANO_PER_USD
    assert (await till.find(payment_id)).status == "completed"
    assert (await till.ledger.audit()).is_clean


async def test_what_comes_before_its_payment_waits(till: Till) -> None:
    user = await till.user()
    payment_id = await till.payment(user)
    await till.store.payments.update(payment_id, intent_id=f"pi_{payment_id}")
    for early in (refund(payment_id, 1000), dispute(payment_id)):
        with pytest.raises(ResourceNotFound, match="before its payment"):
            await till.book.apply(early)
    await till.book.apply(page_paid(payment_id))
    with pytest.raises(ResourceNotFound, match="before its beginning"):
        await till.book.apply(dispute(payment_id, "won"))


async def test_a_payment_ends_the_trial_and_rewards_the_referrer_once(till: Till) -> None:
    referrer, payer = await till.user(), await till.user()
    rules = till.settings.referrals
    await till.promotions.trials.start(payer.id, till.settings.plans.trial)
    await till.promotions.referrals.register(payer, (await till.promotions.referrals.code_of(referrer.id)).code, rules)
    payment_id = await till.payment(payer)
    await asyncio.gather(*(till.book.apply(page_paid(payment_id)) for _ in range(3)))
    again = await till.store.users.find_user(payer.id)
    assert again is not None and again.trial_ends_at is None
    assert (await till.purchased(payer), await till.purchased(referrer)) == (2 * TEN, TEN)


async def test_a_discount_is_no_money_towards_a_referral(till: Till) -> None:
    referrer, payer = await till.user(), await till.user()
    rules = till.settings.referrals
    await till.promotions.referrals.register(payer, (await till.promotions.referrals.code_of(referrer.id)).code, rules)
    payment_id = await till.payment(payer, amount=900, credit=1000)
    await till.book.apply(page_paid(payment_id, 900))
    assert (await till.purchased(payer), await till.purchased(referrer)) == (TEN, 0)
