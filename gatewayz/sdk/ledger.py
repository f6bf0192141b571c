"""The gateway's own ledger, as a billing plugin sees it.

A plugin that keeps prepaid accounts gets it as `PluginContext.ledger`; one that bills elsewhere
does not look at it. Amounts are nano-dollars, `key` names the request.
"""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["AccountLedger", "LedgerCharge"]


class LedgerCharge(Protocol):
    """What one request came to."""

    @property
    def charged(self) -> int:
        """What was taken, at most `held`."""
        ...

    @property
    def held(self) -> int:
        """The hold at the end, extended if the cost needed it."""
        ...

    @property
    def balance(self) -> int | None:
        """What the customer can spend afterwards; None while the database is away."""
        ...


class AccountLedger(Protocol):
    """Holds and charges of customers. Each method takes effect even when its caller is cancelled."""

    async def authorize(self, user_id: int, amount: int, key: str) -> int:
        """Set money aside, on disk; return how much.

        Raises PaymentRequired; Conflict when the key was used before; StoreUnavailable.
        """
        ...

    async def extend(self, user_id: int, amount: int, key: str) -> int:
        """Raise a hold to `amount`; return what is held. Raises PaymentRequired, StoreUnavailable."""
        ...

    async def capture(
        self, user_id: int, key: str, *, held: int, cost: int, details: Mapping[str, Any] = ...
    ) -> LedgerCharge:
        """Charge the cost, at most what is held or the balance allows; release the rest. A repeat changes nothing."""
        ...

    async def void(self, user_id: int, key: str, *, held: int) -> None:
        """Release a hold. A repeat changes nothing."""
        ...

    def mark(self, user_id: int, key: str, delivered: int) -> None:
        """Note what a running request has cost so far, should this process die."""
        ...

    async def spendable(self, user_id: int) -> int:
        """Return what a customer can spend now."""
        ...
