"""The rules of money, decided on values that were read under lock. No I/O, no clock of its own.

A book is opened on one group's view, operations are applied to it one after the other, and what
changed is written in one transaction. An operation that is refused raises and has changed nothing.
Source: design 4, 11; docs/decisions/0063-ledger.md.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from gatewayz.sdk.errors import Conflict, InvalidRequest, PaymentRequired
from gatewayz.sdk.money import usd_float
from gatewayz.store.ledger_records import EntryRow, HoldRow, HoldState, LedgerChanges, LedgerView, WalletRow

__all__ = ["CONFLICT_RETRY_S", "Book", "Parts", "insufficient"]

CONFLICT_RETRY_S: Final = 1.0


class Parts(msgspec.Struct, frozen=True):
    """An amount by the account it comes from."""

    trial: int = 0
    allowance: int = 0
    purchased: int = 0

    @property
    def total(self) -> int:
        """The amount."""
        return self.trial + self.allowance + self.purchased


class Book:
    """One group's view, as its operations change it.

    :param next_id: draws ids of entries.
    :param process_id: the process that holds are made for.
    """

    def __init__(self, view: LedgerView, *, next_id: Callable[[], int], process_id: int, now_ms: int) -> None:
        self.now_ms = now_ms
        self.process_id = process_id
        self._next_id = next_id
        self._wallets = dict(view.wallets)
        self._found: dict[int, tuple[int, int, int, int]] = {}
        """What the wallets were that are changed."""
        self._holds = dict(view.holds)
        self._keyed = dict(view.entries)
        self._new: dict[str, HoldRow] = {}
        self._changed: dict[str, HoldRow] = {}
        self._entries: list[EntryRow] = []

    def wallet(self, user_id: int) -> WalletRow:
        """Return what a customer has; nothing, for one who never had anything."""
        return self._wallets.get(user_id) or WalletRow(user_id)

    def find_hold(self, key: str, user_id: int) -> HoldRow | None:
        """Return a hold. Raises Conflict when it is another customer's."""
        hold = self._holds.get(key)
        if hold is not None and hold.user_id != user_id:
            raise Conflict("This request id is in use.", retry_after_s=CONFLICT_RETRY_S)
        return hold

    def find_entry(self, key: str) -> EntryRow | None:
        """Return the entry booked under a key."""
        return self._keyed.get(key)

    def open_hold(self, key: str, user_id: int) -> HoldRow:
        """Return a new, empty hold."""
        hold = HoldRow(
            id=self.draw_id(),
            key=key,
            user_id=user_id,
            process_id=self.process_id,
            state=HoldState.OPEN,
            trial=0,
            allowance=0,
            purchased=0,
            captured=0,
            refunded=0,
            cost=0,
            progress=0,
            settle_entry_id=None,
            touched_ms=self.now_ms,
        )
        self._holds[key] = self._new[key] = hold
        return hold

    def reopen(self, hold: HoldRow) -> None:
        """Bring back a hold that a sweep released from under a living request; it is empty now."""
        hold.state = HoldState.OPEN
        hold.trial = hold.allowance = hold.purchased = 0
        hold.process_id = self.process_id
        self.touch(hold)

    def touch(self, hold: HoldRow) -> None:
        """Note that a hold is changed."""
        hold.touched_ms = self.now_ms
        if hold.key not in self._new:
            self._changed[hold.key] = hold

    def hold_more(self, hold: HoldRow, amount: int, kind: str) -> None:
        """Move money from a customer's accounts, which must have it, into a hold; what is spent first goes first."""
        wallet = self._change(hold.user_id)
        trial = min(wallet.trial, amount)
        allowance = min(wallet.allowance, amount - trial)
        purchased = amount - trial - allowance
        wallet.trial -= trial
        wallet.allowance -= allowance
        wallet.purchased -= purchased
        wallet.held += amount
        is_first = kind == "hold"
        hold.trial += trial
        hold.allowance += allowance
        hold.purchased += purchased
        self.touch(hold)
        self._entries.append(
            EntryRow(
                id=hold.id if is_first else self.draw_id(),
                kind=kind,
                user_id=hold.user_id,
                reference=hold.key,
                trial=-trial,
                allowance=-allowance,
                purchased=-purchased,
                held=amount,
                balance_after=wallet.total,
            )
        )

    def release(self, hold: HoldRow) -> None:
        """Move all of a hold back to the customer; its record keeps what was set aside."""
        self.touch(hold)
        if (amount := hold.amount) == 0:
            return
        wallet = self._change(hold.user_id)
        wallet.trial += hold.trial
        wallet.allowance += hold.allowance
        wallet.purchased += hold.purchased
        wallet.held -= amount
        entry = EntryRow(
            id=self.draw_id(),
            kind="void",
            user_id=hold.user_id,
            reference=hold.key,
            trial=hold.trial,
            allowance=hold.allowance,
            purchased=hold.purchased,
            held=-amount,
            balance_after=wallet.total,
        )
        hold.settle_entry_id = entry.id
        self._entries.append(entry)

    def settle(self, hold: HoldRow, *, charged: int, cost: int, details: str | None) -> None:
        """Charge a part of a hold, trial credit first, and move the rest back; book cost, accrual and loss."""
        wallet = self._change(hold.user_id)
        amount = hold.amount
        trial = max(0, hold.trial - charged)
        allowance = min(hold.allowance, max(0, hold.trial + hold.allowance - charged))
        purchased = amount - charged - trial - allowance
        wallet.trial += trial
        wallet.allowance += allowance
        wallet.purchased += purchased
        wallet.held -= amount
        hold.state = HoldState.CAPTURED
        hold.captured = charged
        hold.cost = cost
        hold.settle_entry_id = self.draw_id()
        self.touch(hold)
        self._entries.append(
            EntryRow(
                id=hold.settle_entry_id,
                kind="api_usage",
                user_id=hold.user_id,
                reference=hold.key,
                trial=trial,
                allowance=allowance,
                purchased=purchased,
                held=-amount,
                revenue=cost,
                loss=charged - cost,
                provider_cost=-cost,
                provider_payable=cost,
                balance_after=wallet.total,
                details=details,
            )
        )

    def credit(self, user_id: int, parts: Parts) -> None:
        """Change a customer's accounts. Raises InvalidRequest when one would fall below zero."""
        wallet = self._change(user_id)
        if min(wallet.trial + parts.trial, wallet.allowance + parts.allowance, wallet.purchased + parts.purchased) < 0:
            raise InvalidRequest("The balance would fall below zero.", param="amount")
        wallet.trial += parts.trial
        wallet.allowance += parts.allowance
        wallet.purchased += parts.purchased

    def spendable(self, user_id: int) -> int:
        """Return what a hold may take."""
        wallet = self._wallets.get(user_id)
        return 0 if wallet is None else wallet.spendable

    def draw_id(self) -> int:
        """Return an id for an entry."""
        return self._next_id()

    def enter(self, entry: EntryRow) -> EntryRow:
        """Add a journal entry."""
        self._entries.append(entry)
        if entry.key is not None:
            self._keyed[entry.key] = entry
        return entry

    def changes(self) -> LedgerChanges:
        """Return what is to be written."""
        return LedgerChanges(
            wallets=[self._difference(user_id, found) for user_id, found in self._found.items()],
            new_holds=list(self._new.values()),
            changed_holds=list(self._changed.values()),
            entries=self._entries,
        )

    def _change(self, user_id: int) -> WalletRow:
        """Return a wallet to be changed; an empty one that is not kept for who has none, and nothing to move."""
        wallet = self._wallets.get(user_id)
        if wallet is None:
            return WalletRow(user_id)
        if user_id not in self._found:
            self._found[user_id] = (wallet.trial, wallet.allowance, wallet.purchased, wallet.held)
        return wallet

    def _difference(self, user_id: int, found: tuple[int, int, int, int]) -> WalletRow:
        wallet = self._wallets[user_id]
        trial, allowance, purchased, held = found
        return WalletRow(
            user_id,
            wallet.trial - trial,
            wallet.allowance - allowance,
            wallet.purchased - purchased,
            wallet.held - held,
        )


def insufficient(needed: int, spendable: int) -> PaymentRequired:
    """Return the refusal; the amounts are the caller's own."""
    return PaymentRequired(
        "Your balance is not enough for this request.",
        context={
            "current_credits": usd_float(spendable),
            "required_credits": usd_float(needed),
            "credit_deficit": usd_float(needed - spendable),
        },
        suggestions=("Add credits, choose a cheaper model or lower max_tokens.",),
    )
