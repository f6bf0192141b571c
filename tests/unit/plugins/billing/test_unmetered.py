from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.testing import BillingContract
from gatewayz.sdk.usage import Usage
from gatewayz_plugins.billing.unmetered.backend import UnmeteredBilling, UnmeteredSettings
from tests.fakes.plugin_modules import context

OFFER = Offer(model="a/b", provider="p", upstream_model="b")
USAGE = Usage(input_tokens=3)


class TestUnmetered(BillingContract):
    module = "gatewayz_plugins.billing.unmetered"
    settings = UnmeteredSettings
    sample = {"remembered_charges": 5}

    def build(self, settings: UnmeteredSettings, context: PluginContext) -> UnmeteredBilling:
        return UnmeteredBilling(settings, context)


def backend(remembered: int = 100) -> UnmeteredBilling:
    return UnmeteredBilling(UnmeteredSettings(remembered_charges=remembered), context("billing", "billing"))


def cost(total: int) -> Cost:
    return Cost(input=Nano(total), output=Nano(0))


async def hold(billing: UnmeteredBilling, key: str, amount: int = 10) -> Hold:
    return await billing.authorize(None, Nano(amount), key)


async def test_every_call_is_let_through_and_its_cost_is_told() -> None:
    billing = backend()
    held = await hold(billing, "k")
    charge = await billing.capture(held, OFFER, USAGE, cost(7))
    assert (charge.charged, charge.cost.total, charge.balance) == (7, 7, None)
    assert await billing.balance(1) is None


async def test_a_charge_is_the_whole_cost_and_never_exceeds_its_hold() -> None:
    billing = backend()
    charge = await billing.capture(await hold(billing, "k"), OFFER, USAGE, cost(25))
    assert (charge.charged, charge.hold.amount) == (25, 25)
    raised = await billing.extend(await hold(billing, "other"), Nano(30))
    assert (await billing.extend(raised, Nano(5))).amount == 30
    assert (await billing.capture(raised, OFFER, USAGE, cost(25))).charged == 25


async def test_a_repeat_with_one_key_has_one_effect() -> None:
    billing = backend()
    first = await billing.capture(await hold(billing, "k"), OFFER, USAGE, cost(3))
    again = await billing.capture(await hold(billing, "k", 99), OFFER, USAGE, cost(50))
    assert again is first


async def test_memory_is_bounded() -> None:
    billing = backend(remembered=2)
    charges = [await billing.capture(await hold(billing, key), OFFER, USAGE, cost(1)) for key in "abc"]
    assert await billing.capture(await hold(billing, "c"), OFFER, USAGE, cost(2)) is charges[2]
    assert (await billing.capture(await hold(billing, "a"), OFFER, USAGE, cost(2))).charged == 2
    nothing = backend(remembered=0)
    assert (await nothing.capture(await hold(nothing, "a"), OFFER, USAGE, cost(2))).charged == 2


async def test_what_is_voided_costs_nothing() -> None:
    billing = backend()
    await billing.void(await hold(billing, "k"))
    await billing.aclose()
