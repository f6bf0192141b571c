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

    def first(self, amount: int) -> "Parts":
        """Return the part of `amount` that is spent first: trial, then allowance, then purchased credit."""
        trial = min(self.trial, amount)
        allowance = min(self.allowance, amount - trial)
        return Parts(trial, allowance, min(self.purchased, amount - trial - allowance))

    def without(self, other: "Parts") -> "Parts":
        """Return the difference."""
        return Parts(self.trial - other.trial, self.allowance - other.allowance, self.purchased - other.purchased)


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
        self._found = {user_id: msgspec.structs.astuple(wallet) for user_id, wallet in view.wallets.items()}
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

    def take(self, hold: HoldRow, parts: Parts) -> None:
        """Move money from a customer's accounts into a hold."""
        wallet = self.wallet(hold.user_id)
        wallet.trial -= parts.trial
        wallet.allowance -= parts.allowance
        wallet.purchased -= parts.purchased
        wallet.held += parts.total
        hold.trial += parts.trial
        hold.allowance += parts.allowance
        hold.purchased += parts.purchased
        self.touch(hold)

    def give_back(self, hold: HoldRow, parts: Parts, charged: int) -> None:
        """Move money out of a hold: `parts` back to the customer, `charged` to us; the hold's record stays."""
        wallet = self.wallet(hold.user_id)
        wallet.trial += parts.trial
        wallet.allowance += parts.allowance
        wallet.purchased += parts.purchased
        wallet.held -= parts.total + charged
        self.touch(hold)

    def credit(self, user_id: int, parts: Parts) -> None:
        """Change a customer's accounts. Raises InvalidRequest when one would fall below zero."""
        wallet = self.wallet(user_id)
        if min(wallet.trial + parts.trial, wallet.allowance + parts.allowance, wallet.purchased + parts.purchased) < 0:
            raise InvalidRequest("The balance would fall below zero.", param="amount")
        wallet.trial += parts.trial
        wallet.allowance += parts.allowance
        wallet.purchased += parts.purchased

    def spendable(self, user_id: int) -> Parts:
        """Return what a hold may take."""
        wallet = self.wallet(user_id)
        return Parts(wallet.trial, wallet.allowance, wallet.purchased)

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
            wallets=[changed for changed in map(self._difference, self._found) if changed is not None],
            new_holds=list(self._new.values()),
            changed_holds=list(self._changed.values()),
            entries=self._entries,
        )

    def _difference(self, user_id: int) -> WalletRow | None:
        _, trial, allowance, purchased, held = self._found[user_id]
        wallet = self._wallets[user_id]
        if (wallet.trial, wallet.allowance, wallet.purchased, wallet.held) == (trial, allowance, purchased, held):
            return None
        return WalletRow(
            user_id,
            trial=wallet.trial - trial,
            allowance=wallet.allowance - allowance,
            purchased=wallet.purchased - purchased,
            held=wallet.held - held,
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
