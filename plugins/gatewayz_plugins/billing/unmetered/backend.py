"""Holds and charges without an account behind them."""

from collections import OrderedDict

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Charge, Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.usage import Usage

__all__ = ["UnmeteredBilling", "UnmeteredSettings"]


class UnmeteredSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is remembered."""

    remembered_charges: int = 10_000
    """Charges kept so that a repeated capture answers the same; the oldest are forgotten first."""


class UnmeteredBilling:
    """A billing backend without balances.

    A repeat with the same key has one effect, as long as the key is among the remembered ones.
    """

    def __init__(self, settings: UnmeteredSettings, context: PluginContext) -> None:
        self._charges: OrderedDict[str, Charge] = OrderedDict()
        self._limit = max(settings.remembered_charges, 0)

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Hold:
        """Set nothing aside; the hold is only the bound of the charge."""
        return Hold(key=key, account=account, amount=amount)

    async def extend(self, hold: Hold, amount: Nano) -> Hold:
        """Raise the bound."""
        return Hold(key=hold.key, account=hold.account, amount=Nano(max(hold.amount, amount)))

    async def capture(self, hold: Hold, offer: Offer, usage: Usage, cost: Cost) -> Charge:
        """Return the whole cost as charged, whatever was held; the first capture of a key counts."""
        charged = self._charges.get(hold.key)
        if charged is None:
            if cost.total > hold.amount:
                hold = Hold(key=hold.key, account=hold.account, amount=cost.total)
            charged = Charge(hold=hold, offer=offer, usage=usage, cost=cost, charged=cost.total)
            if self._limit:
                self._charges[hold.key] = charged
                if len(self._charges) > self._limit:
                    self._charges.popitem(last=False)
        return charged

    async def void(self, hold: Hold) -> None:
        """Nothing was set aside."""

    async def balance(self, account: int) -> Nano | None:
        """No balances are kept."""
        return None

    async def aclose(self) -> None:
        """Nothing is pending."""
