import asyncio
from datetime import UTC, datetime
from typing import Literal

import msgspec
import pytest

from gatewayz.config.sections.money import Subscriptions, SubscriptionTier
from gatewayz.domain.payments.subscribing import tier_of
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.payments import InvoiceNotice, SubscriptionNotice, SubscriptionState
from gatewayz.store.payment_records import Subscription
from gatewayz.store.records import User
from tests.unit.domain.payments.conftest import Till

RULES = Subscriptions(
    tiers={
        "basic": SubscriptionTier(name="Basic"),
        "pro": SubscriptionTier(name="Pro", allowance_usd="15", products=("prod_pro",)),
        "max": SubscriptionTier(name="MAX", allowance_usd="150", products=("prod_max",)),
    }
)


class Desk:
    """Notices of one user's subscription."""

    def __init__(self, till: Till, user: User) -> None:
        self.till, self.user = till, user
        till.settings = msgspec.structs.replace(till.settings, subscriptions=RULES)

    async def hear(
        self,
        event: Literal["created", "updated", "deleted"],
        at: int,
        *,
        product: str = "prod_pro",
        status: str = "active",
        id: str = "sub_1",
    ) -> str:
        state = SubscriptionState(id=id, status=status, customer_id="cus_1", product_id=product, price_id="price")
        notice = SubscriptionNotice(event=event, user_id=self.user.id, state=state, at=datetime.fromtimestamp(at, UTC))
        return await self.till.book.apply(notice)

    async def invoice(self, id: str, at: int, *, is_paid: bool = True, is_update: bool = False, amount: int = 0) -> str:
        notice = InvoiceNotice(
            invoice_id=id,
            subscription_id="sub_1",
            is_paid=is_paid,
            is_update=is_update,
            at=datetime.fromtimestamp(at, UTC),
            amount=amount,
        )
        return await self.till.book.apply(notice)

    async def known(self) -> Subscription:
        found = await self.till.store.payments.find_subscription(self.user.id)
        assert found is not None
        return found

    async def allowance(self) -> int:
        return (await self.till.ledger.balances(self.user.id)).allowance // NANO_PER_USD

    async def spend(self, usd: int) -> None:
        key, amount = f"spent:{self.user.id}:{usd}", usd * NANO_PER_USD
        held = await self.till.ledger.authorize(self.user.id, amount, key)
        await self.till.ledger.capture(self.user.id, key, held=held, cost=amount)


@pytest.fixture
async def desk(till: Till) -> Desk:
    return Desk(till, await till.user())


async def test_the_allowance_follows_the_subscription(desk: Desk) -> None:
    await desk.hear("created", 100)
    assert (await desk.allowance(), (await desk.known()).tier) == (15, "pro")
    await desk.hear("updated", 200, product="prod_max")
    assert (await desk.allowance(), (await desk.known()).tier) == (150, "max")
    await desk.hear("updated", 300)
    assert (await desk.allowance(), (await desk.known()).tier) == (150, "pro")  # until what is paid for ends
    await desk.invoice("in_2", 400)
    assert await desk.allowance() == 15
    await desk.hear("deleted", 500, status="canceled")
    assert (await desk.allowance(), (await desk.known()).status) == (0, "canceled")
    assert (await desk.till.ledger.audit()).is_clean


async def test_repeated_notices_fill_nothing_up_again(desk: Desk) -> None:
    await desk.hear("created", 100)
    await desk.invoice("in_1", 150)
    await desk.spend(5)
    for _ in range(2):
        await desk.hear("created", 100)
        await desk.invoice("in_1", 150)
    assert await desk.allowance() == 10
    said = await asyncio.gather(*(desk.invoice("in_2", 200) for _ in range(4)))
    assert len(said) == 4 and await desk.allowance() == 15


async def test_an_older_notice_changes_nothing(desk: Desk) -> None:
    await desk.hear("created", 100)
    await desk.hear("deleted", 300, status="canceled")
    assert "newer" in await desk.hear("updated", 200, product="prod_max")
    assert (await desk.allowance(), (await desk.known()).status) == (0, "canceled")
    assert "no allowance" in await desk.invoice("in_late", 250)
    assert await desk.allowance() == 0


async def test_an_unpaid_invoice_is_past_due_until_it_is_paid(desk: Desk) -> None:
    await desk.hear("created", 100)
    assert "past due" in await desk.invoice("in_2", 200, is_paid=False)
    assert ((await desk.known()).status, (await desk.known()).tier) == ("past_due", "basic")
    await desk.invoice("in_2", 300)
    assert ((await desk.known()).status, (await desk.known()).tier) == ("active", "pro")
    assert "newer" in await desk.invoice("in_0", 50, is_paid=False)


async def test_an_invoice_before_its_subscription_waits(desk: Desk) -> None:
    with pytest.raises(ResourceNotFound, match="before its subscription"):
        await desk.invoice("in_1", 100)


async def test_a_late_end_of_an_old_subscription_leaves_the_new_one(desk: Desk) -> None:
    await desk.hear("created", 100)
    await desk.hear("deleted", 200, status="canceled")
    await desk.hear("created", 300, id="sub_2", product="prod_max")
    assert "another subscription" in await desk.hear("deleted", 400, status="canceled")
    assert (await desk.allowance(), (await desk.known()).status) == (150, "active")


async def test_a_paid_invoice_rewards_the_referrer_by_what_came(desk: Desk) -> None:
    till, referrals = desk.till, desk.till.promotions.referrals
    referrer = await till.user()
    await till.promotions.trials.start(desk.user.id, till.settings.plans.trial)
    code = await referrals.code_of(referrer.id)
    await referrals.register(desk.user, code.code, till.settings.referrals)
    await desk.hear("created", 100, status="incomplete")
    assert (await till.store.users.find_user(desk.user.id)).trial_ends_at is not None  # type: ignore[union-attr]
    await desk.hear("updated", 110)
    assert (await till.store.users.find_user(desk.user.id)).trial_ends_at is None  # type: ignore[union-attr]
    await desk.invoice("in_free", 115)
    assert await till.purchased(referrer) == 0
    for _ in range(2):
        await desk.invoice("in_1", 120, amount=7500)
    assert await till.purchased(referrer) == 10 * NANO_PER_USD


async def test_a_subscription_that_becomes_active_later_gets_its_allowance(desk: Desk) -> None:
    await desk.hear("created", 100, status="incomplete")
    assert await desk.allowance() == 0
    await desk.hear("updated", 110)
    await desk.invoice("in_1", 120, amount=800)
    assert await desk.allowance() == 15


def test_a_product_of_no_tier_is_the_default() -> None:
    assert (tier_of(RULES, "prod_max"), tier_of(RULES, "other"), tier_of(RULES, None)) == ("max", "basic", "basic")
