import asyncio

import pytest

from gatewayz.config.sections.plans import Referrals as ReferralRules
from gatewayz.config.settings import Settings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.referrals.referrals import ReferralRefused, Referrals
from gatewayz.sdk.errors import ServiceError
from gatewayz.sdk.money import NANO_PER_USD
from tests.unit.domain.promotions.conftest import Books

RULES = ReferralRules()
TEN = 10 * NANO_PER_USD


async def test_both_sides_get_the_bonus_once(books: Books) -> None:
    referrer, referred = await books.user(), await books.user()
    referrals = books.promotions.referrals
    code = await referrals.code_of(referrer.id)
    await referrals.register(referred, code.code, RULES)
    given = await asyncio.gather(*(referrals.reward_first_purchase(referred.id, TEN, RULES) for _ in range(3)))
    assert sorted(given) == [False, False, True]
    assert await books.ledger.spendable(referrer.id) == await books.ledger.spendable(referred.id) == TEN
    stats = await referrals.stats(referrer.id)
    assert (stats.totals.completed, stats.totals.pending, stats.totals.earned) == (1, 0, TEN)
    assert stats.code.times_used == 1 and stats.referrals[0].status == "completed"


async def test_a_small_first_purchase_ends_it_without_a_bonus(books: Books) -> None:
    referrer, referred = await books.user(), await books.user()
    referrals = books.promotions.referrals
    await referrals.register(referred, (await referrals.code_of(referrer.id)).code, RULES)
    assert not await referrals.reward_first_purchase(referred.id, TEN - 1, RULES)
    assert not await referrals.reward_first_purchase(referred.id, TEN, RULES)
    assert await books.ledger.spendable(referrer.id) == 0
    assert (await referrals.stats(referrer.id)).referrals[0].status == "lapsed"


async def test_self_dealing_is_refused(books: Books) -> None:
    referrals = books.promotions.referrals
    first, twin, other = (
        await books.user("me@example.com"),
        await books.user("Me+2@Example.com"),
        await books.user(),
    )
    code = (await referrals.code_of(first.id)).code
    for user in (first, twin):
        with pytest.raises(ReferralRefused, match="own"):
            await referrals.check(user, code, RULES)
    await referrals.register(other, code, RULES)
    with pytest.raises(ReferralRefused, match="each other"):
        await referrals.check(first, (await referrals.code_of(other.id)).code, RULES)
    with pytest.raises(ReferralRefused, match="already"):
        await referrals.register(other, code, RULES)


async def test_a_code_counts_before_the_first_purchase_only(books: Books) -> None:
    referrer, buyer = await books.user(), await books.user()
    await books.ledger.deposit(buyer.id, Parts(purchased=TEN), kind="purchase", key="p1", counter="clearing")
    with pytest.raises(ReferralRefused, match="first purchase"):
        await books.promotions.referrals.check(
            buyer, (await books.promotions.referrals.code_of(referrer.id)).code, RULES
        )


async def test_a_code_is_not_used_above_its_bound(books: Books) -> None:
    rules = ReferralRules(max_uses=2)
    referrals = books.promotions.referrals
    code = (await referrals.code_of((await books.user()).id)).code
    users = [await books.user() for _ in range(5)]
    outcomes = await asyncio.gather(*(referrals.register(user, code, rules) for user in users), return_exceptions=True)
    assert sorted(isinstance(outcome, ReferralRefused) for outcome in outcomes) == [False, False, True, True, True]


async def test_a_code_that_is_taken_is_drawn_again(books: Books) -> None:
    characters = iter("A" * 8 + "A" * 8 + "B" * 8)
    referrals = Referrals(
        books.store.referrals, books.promotions.grants, books.clock, choose=lambda _: next(characters)
    )
    first, second = await books.user(), await books.user()
    assert (await referrals.code_of(first.id)).code == "A" * 8
    assert (await referrals.code_of(second.id)).code == "B" * 8
    stuck = Referrals(books.store.referrals, books.promotions.grants, books.clock, choose=lambda _: "A")
    with pytest.raises(ServiceError):
        await stuck.code_of((await books.user()).id)


async def test_a_payment_ends_the_trial_and_rewards_both_sides_once(books: Books) -> None:
    settings, promotions = Settings(), books.promotions
    referrer, payer = await books.user(), await books.user()
    await promotions.trials.start(payer.id, settings.plans.trial)
    await promotions.referrals.register(payer, (await promotions.referrals.code_of(referrer.id)).code, RULES)
    for _ in range(2):
        await promotions.note_payment(await books.again(payer), TEN, settings)
    assert (await books.again(payer)).trial_ends_at is None
    balances = await books.ledger.balances(payer.id)
    assert (balances.trial, balances.purchased) == (5 * NANO_PER_USD, TEN)
    assert await books.ledger.spendable(referrer.id) == TEN
