"""Holds and charges on the gateway's ledger."""

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, PaymentRequired
from gatewayz.sdk.interfaces import Charge, Hold
from gatewayz.sdk.ledger import AccountLedger
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.usage import Usage

__all__ = ["CreditsBilling", "CreditsSettings", "build_credits"]


class CreditsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to set: balances are in the database, time constants under `ledger:`."""


def build_credits(settings: CreditsSettings, context: PluginContext) -> "CreditsBilling":
    """Return the backend. Raises ConfigurationError where no ledger is at hand."""
    if context.ledger is None:
        raise ConfigurationError("billing by credits needs the gateway's store")
    return CreditsBilling(context.ledger)


class CreditsBilling:
    """Who has no account pays nothing, and gets only what costs nothing."""

    def __init__(self, ledger: AccountLedger) -> None:
        self._ledger = ledger

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Hold:
        """Set money aside, on disk.

        Raises PaymentRequired; Conflict for a key that was used before (a repeat is not a second,
        free run); StoreUnavailable.
        """
        if account is None:
            if amount > 0:
                raise PaymentRequired(
                    "This model is not free: a call needs an API key.", code="PAYMENT_METHOD_REQUIRED"
                )
            return Hold(key=key, account=None, amount=Nano(0))
        return Hold(key=key, account=account, amount=Nano(await self._ledger.authorize(account, amount, key)))

    async def extend(self, hold: Hold, amount: Nano) -> Hold:
        """Raise a hold. Raises PaymentRequired, StoreUnavailable."""
        if hold.account is None or amount <= hold.amount:
            return hold
        held = await self._ledger.extend(hold.account, amount, hold.key)
        return Hold(key=hold.key, account=hold.account, amount=Nano(held))

    async def capture(self, hold: Hold, offer: Offer, usage: Usage, cost: Cost) -> Charge:
        """Charge the true cost; what neither the hold nor the balance covers is booked as a loss."""
        if hold.account is None:
            return Charge(hold=hold, offer=offer, usage=usage, cost=cost, charged=Nano(0))
        details = {"model": offer.model, "provider": offer.provider, "usage_source": usage.source}
        charge = await self._ledger.capture(hold.account, hold.key, held=hold.amount, cost=cost.total, details=details)
        return Charge(
            hold=Hold(key=hold.key, account=hold.account, amount=Nano(charge.held)),
            offer=offer,
            usage=usage,
            cost=cost,
            charged=Nano(charge.charged),
            balance=None if charge.balance is None else Nano(charge.balance),
        )

    async def void(self, hold: Hold) -> None:
        """Release all of it."""
        if hold.account is not None:
            await self._ledger.void(hold.account, hold.key, held=hold.amount)

    def mark(self, hold: Hold, delivered: Nano) -> None:
        """Note how much has been delivered."""
        if hold.account is not None:
            self._ledger.mark(hold.account, hold.key, delivered)

    async def balance(self, account: int) -> Nano | None:
        """Return what the account can spend now."""
        return Nano(await self._ledger.spendable(account))

    async def aclose(self) -> None:
        """The ledger belongs to the gateway, which closes it."""
