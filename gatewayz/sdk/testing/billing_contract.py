"""The contract every billing backend keeps, as tests to subclass.

    class TestMine(BillingContract):
        module = "my_plugin"
        settings = MySettings
        sample = {"credit_usd": "1"}

        def build(self, settings, context):
            return MyBilling(settings, context)

`affordable` is an amount that `account` can pay; `dear` one that it cannot, or None where nobody is refused.
"""

import contextlib
from typing import Any, ClassVar

import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import GatewayzError, PaymentRequired
from gatewayz.sdk.interfaces import BillingBackend, Charge, Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.testing.fakes import Answer, FakeHttpClient, plugin_context
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings
from gatewayz.sdk.usage import Usage

__all__ = ["BillingContract"]

_OFFER = Offer(model="acme/one", provider="acme", upstream_model="one")
_USAGE = Usage(input_tokens=3, output_tokens=4)


class BillingContract(SettingsContract):
    """Subclass and name module, settings, a sample, and how to build."""

    account: ClassVar[int] = 1
    affordable: ClassVar[int] = 1000
    """Nano-dollars that the account can pay."""
    dear: ClassVar[int | None] = None
    """Nano-dollars that it cannot pay; None for a backend that refuses nobody."""

    def build(self, settings: Any, context: PluginContext) -> BillingBackend:
        """Return the backend."""
        raise NotImplementedError

    def backend(self) -> BillingBackend:
        """Return a backend that has billed nothing yet."""
        context = plugin_context(FakeHttpClient(Answer()))
        return self.build(decode_settings(self.settings, self.values()), context)

    async def hold(self, billing: BillingBackend, key: str = "r-1") -> Hold:
        """Return a hold of what the account can afford."""
        return await billing.authorize(self.account, Nano(self.affordable), key)

    async def charge(self, billing: BillingBackend, hold: Hold, total: int) -> Charge:
        """Charge a call that came to `total`."""
        return await billing.capture(hold, _OFFER, _USAGE, Cost(input=Nano(total), output=Nano(0)))

    async def test_a_hold_is_what_was_asked_for(self) -> None:
        hold = await self.hold(self.backend())
        assert (hold.key, hold.account) == ("r-1", self.account)
        assert hold.amount >= self.affordable

    async def test_a_hold_is_raised_and_never_lowered(self) -> None:
        billing = self.backend()
        half = await billing.authorize(self.account, Nano(self.affordable // 2), "r-1")
        whole = await billing.extend(half, Nano(self.affordable))
        assert whole.amount >= self.affordable
        assert (await billing.extend(whole, Nano(1))).amount >= whole.amount

    async def test_the_true_cost_is_charged_and_never_more_than_the_hold(self) -> None:
        billing = self.backend()
        charge = await self.charge(billing, await self.hold(billing), self.affordable // 3)
        assert charge.charged == charge.cost.total == self.affordable // 3
        assert charge.charged <= charge.hold.amount
        other = self.backend()
        dearer = await self.charge(other, await self.hold(other), self.affordable * 2)
        assert dearer.charged <= dearer.hold.amount

    async def test_what_is_not_spent_is_released(self) -> None:
        billing = self.backend()
        before = await billing.balance(self.account)
        charge = await self.charge(billing, await self.hold(billing), self.affordable // 3)
        after = await billing.balance(self.account)
        if before is None or after is None:
            pytest.skip("the backend keeps no balances")
        assert before - after == charge.charged
        assert charge.balance in (None, after)

    async def test_a_repeated_hold_has_one_effect(self) -> None:
        billing = self.backend()
        hold = await self.hold(billing)
        held = await billing.balance(self.account)
        await self.hold(billing)
        assert await billing.balance(self.account) == held
        await self.charge(billing, hold, self.affordable // 3)
        charged = await billing.balance(self.account)
        await self.hold(billing)
        assert await billing.balance(self.account) == charged, "a hold of a call that has ended"

    async def test_a_repeated_extension_has_one_effect(self) -> None:
        billing = self.backend()
        half = await billing.authorize(self.account, Nano(self.affordable // 2), "r-1")
        await billing.extend(half, Nano(self.affordable))
        held = await billing.balance(self.account)
        await billing.extend(half, Nano(self.affordable))
        assert await billing.balance(self.account) == held

    async def test_a_charge_after_a_void_makes_no_money(self) -> None:
        billing = self.backend()
        before = await billing.balance(self.account)
        hold = await self.hold(billing)
        await billing.void(hold)
        with contextlib.suppress(GatewayzError):  # to refuse it is right as well
            await self.charge(billing, hold, self.affordable // 3)
        after = await billing.balance(self.account)
        assert before is None or after is None or after <= before

    async def test_a_repeated_charge_has_one_effect(self) -> None:
        billing = self.backend()
        hold = await self.hold(billing)
        first = await self.charge(billing, hold, self.affordable // 3)
        balance = await billing.balance(self.account)
        again = await self.charge(billing, hold, self.affordable // 3)
        assert again.charged == first.charged
        assert await billing.balance(self.account) == balance

    async def test_a_void_costs_nothing_and_may_be_repeated(self) -> None:
        billing = self.backend()
        before = await billing.balance(self.account)
        hold = await self.hold(billing)
        await billing.void(hold)
        await billing.void(hold)
        assert await billing.balance(self.account) == before

    async def test_who_cannot_pay_is_refused(self) -> None:
        if self.dear is None:
            pytest.skip("the backend refuses nobody")
        billing = self.backend()
        with pytest.raises(PaymentRequired):
            await billing.authorize(self.account, Nano(self.dear), "r-1")
        hold = await self.hold(billing, "r-2")
        with pytest.raises(PaymentRequired):
            await billing.extend(hold, Nano(self.dear))

    async def test_two_requests_do_not_spend_the_same_money(self) -> None:
        billing = self.backend()
        before = await billing.balance(self.account)
        if before is None:
            pytest.skip("the backend keeps no balances")
        await billing.authorize(self.account, before, "r-1")
        with pytest.raises(PaymentRequired):
            await billing.authorize(self.account, Nano(1), "r-2")

    async def test_it_may_be_closed_twice(self) -> None:
        billing = self.backend()
        await billing.aclose()
        await billing.aclose()
