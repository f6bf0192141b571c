import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gatewayz.domain.coupons.coupons import CouponRefused
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.coupon_records import Coupon, CouponChanges, NewCoupon
from tests.unit.domain.promotions.conftest import Books

FIVE = 5 * NANO_PER_USD


async def coupon(books: Books, code: str = "FIVE", *, max_uses: int = 100) -> Coupon:
    now = books.clock.now()
    return await books.promotions.coupons.create(
        NewCoupon(
            code=code,
            value=FIVE,
            scope="global",
            max_uses=max_uses,
            valid_from=now,
            valid_until=now + timedelta(days=1),
            created_by="test",
        )
    )


async def test_one_user_redeems_once_however_often_it_is_tried_at_once(books: Books) -> None:
    await coupon(books)
    user = await books.user()
    redeem = books.promotions.coupons.redeem
    outcomes = await asyncio.gather(*(redeem(user.id, "five") for _ in range(5)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, CouponRefused)]
    assert len(refused) == 4 and {refusal.code for refusal in refused} == {"ALREADY_REDEEMED"}
    assert (await books.ledger.balances(user.id)).purchased == FIVE
    assert (await books.promotions.coupons.totals()).redemptions == 1
    assert (await books.ledger.audit()).is_clean


async def test_a_coupon_is_not_used_above_its_bound(books: Books) -> None:
    made = await coupon(books, max_uses=2)
    users = [await books.user() for _ in range(5)]
    redeem = books.promotions.coupons.redeem
    outcomes = await asyncio.gather(*(redeem(user.id, made.code) for user in users), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, CouponRefused)]
    assert [refusal.code for refusal in refused] == ["MAX_USES_EXCEEDED"] * 3
    assert sum([await books.ledger.spendable(user.id) for user in users]) == 2 * FIVE
    assert (await books.promotions.coupons.find(made.id)).times_used == 2


async def test_value_that_a_lost_ledger_kept_back_is_booked_later_and_once(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await coupon(books)
    user = await books.user()

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(books.ledger, "deposit", away)
        with pytest.raises(StoreUnavailable):
            await books.promotions.coupons.redeem(user.id, "FIVE")
    assert await books.ledger.spendable(user.id) == 0
    assert await books.promotions.grants.book_rest() == 1
    assert await books.promotions.grants.book_rest() == 0
    assert await books.ledger.spendable(user.id) == FIVE


async def test_a_grant_that_is_booked_twice_counts_once(books: Books) -> None:
    await coupon(books)
    user = await books.user()
    redemption = await books.promotions.coupons.redeem(user.id, "FIVE")
    repeated = await books.promotions.grants.book(replace(redemption.grant, entry_id=None))
    assert repeated.entry_id == redemption.grant.entry_id
    assert await books.ledger.spendable(user.id) == FIVE


async def test_the_bound_cannot_be_set_below_what_was_used(books: Books) -> None:
    made = await coupon(books, max_uses=5)
    for _ in range(2):
        await books.promotions.coupons.redeem((await books.user()).id, made.code)
    with pytest.raises(Exception, match="max_uses is below"):
        await books.promotions.coupons.change(made.id, CouponChanges(max_uses=1))
    assert (await books.promotions.coupons.change(made.id, CouponChanges(max_uses=2))).remaining_uses == 0


async def test_a_coupon_ends_at_its_moment(books: Books) -> None:
    await coupon(books)
    user = await books.user()
    assert [one.code for one in await books.promotions.coupons.available(user.id)] == ["FIVE"]
    books.clock.advance(86_400)
    assert list(await books.promotions.coupons.available(user.id)) == []
    with pytest.raises(CouponRefused) as refused:
        await books.promotions.coupons.redeem(user.id, "FIVE")
    assert refused.value.code == "COUPON_EXPIRED"


async def test_one_grant_that_is_refused_does_not_stop_the_others(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await coupon(books)
    users = [await books.user() for _ in range(2)]
    deposit = books.ledger.deposit

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    async def refusing(user_id: int, *arguments: Any, **named: Any) -> Any:
        if user_id == users[0].id:
            raise InvalidRequest("refused")
        return await deposit(user_id, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(books.ledger, "deposit", away)
        for user in users:
            with pytest.raises(StoreUnavailable):
                await books.promotions.coupons.redeem(user.id, "FIVE")
        patch.setattr(books.ledger, "deposit", refusing)
        assert await books.promotions.grants.book_rest() == 1
    assert [await books.ledger.spendable(user.id) for user in users] == [0, FIVE]
