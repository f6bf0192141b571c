"""What can be asked of the ledger: values that apply themselves to a book.

Applied again after a commit whose answer was lost, an operation changes nothing more.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec

from gatewayz.domain.ledger.book import CONFLICT_RETRY_S, Book, Parts, insufficient
from gatewayz.sdk.errors import Conflict, InvalidRequest, ResourceNotFound
from gatewayz.store.ledger_records import EntryRow, HoldRow, HoldState

__all__ = [
    "Authorize",
    "Balances",
    "Capture",
    "Captured",
    "Counter",
    "Extend",
    "Mark",
    "Movement",
    "Operation",
    "Refund",
    "ResetAllowance",
    "Sweep",
    "TakeBack",
    "Transfer",
    "Void",
]

R_co = TypeVar("R_co", covariant=True)
Counter = Literal["clearing", "promotions", "revenue"]
"""Where money that a customer gets comes from: paid in, given away, earned before."""
_EMPTY: Final[Mapping[str, Any]] = {}


class Operation(Protocol[R_co]):
    """One thing to do for one customer."""

    @property
    def user_id(self) -> int:
        """Whose money it is."""
        ...

    @property
    def hold_key(self) -> str | None:
        """The hold it needs to see."""
        ...

    @property
    def entry_key(self) -> str | None:
        """The entry it must not book twice."""
        ...

    @property
    def makes_wallet(self) -> bool:
        """Whether a customer without a wallet gets one."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether its outcome must outlast a power cut; all outlast the death of the process."""
        ...

    def apply(self, book: Book) -> R_co:
        """Change the book and return the outcome, or raise and change nothing."""
        ...


class _Operation(msgspec.Struct, kw_only=True, gc=False):
    user_id: int

    @property
    def hold_key(self) -> str | None:
        return None

    @property
    def entry_key(self) -> str | None:
        return None

    @property
    def makes_wallet(self) -> bool:
        return False

    @property
    def is_durable(self) -> bool:
        return True


class _OnHold(_Operation, kw_only=True, gc=False):
    key: str

    @property
    def hold_key(self) -> str | None:
        return self.key


class _Settling(_OnHold, kw_only=True, gc=False):
    """Ends or follows a hold that is on disk already: a power cut leaves the hold, and the sweep to settle it."""

    @property
    def is_durable(self) -> bool:
        return False


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer has, in nano-dollars."""

    trial: int = 0
    allowance: int = 0
    purchased: int = 0
    held: int = 0

    @property
    def spendable(self) -> int:
        """What a new request may use."""
        return self.trial + self.allowance + self.purchased


class Captured(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one request came to."""

    charged: int
    held: int
    """The hold at the capture, extended if the cost needed it; never less than `charged`."""
    balance: int | None
    """What the customer can spend afterwards; None when it is not known yet."""
    entry_id: int | None = None


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a customer's balances."""

    entry_id: int
    before: int
    """The customer's total, held money included."""
    after: int
    is_repeat: bool = False
    """It had been booked before, under the same key."""


class Authorize(_OnHold, kw_only=True, gc=False):
    """Set money aside. The outcome is the amount held."""

    amount: int

    def apply(self, book: Book) -> int:
        """Raises PaymentRequired; Conflict when the key was used: a repeat is not a second, free run."""
        if book.find_hold(self.key, self.user_id) is not None:
            raise Conflict("A request with this id has been made already.", retry_after_s=CONFLICT_RETRY_S)
        spendable = book.spendable(self.user_id)
        if spendable < self.amount:
            raise insufficient(self.amount, spendable)
        book.hold_more(book.open_hold(self.key, self.user_id), self.amount, "hold")
        return self.amount


class Extend(_OnHold, kw_only=True, gc=False):
    """Raise a hold. The outcome is the amount held."""

    amount: int

    def apply(self, book: Book) -> int:
        """Raises PaymentRequired; Conflict when the request was settled."""
        hold = book.find_hold(self.key, self.user_id)
        has_money = hold is not None and hold.state == HoldState.OPEN
        more = self.amount - (hold.amount if hold is not None and has_money else 0)
        if hold is not None and hold.state in (HoldState.CAPTURED, HoldState.VOIDED):
            raise Conflict("This request was settled already.")
        if more <= 0:
            return self.amount if hold is None else hold.amount
        spendable = book.spendable(self.user_id)
        if spendable < more:
            raise insufficient(more, spendable)
        book.hold_more(_opened(book, hold, self), more, "extend")
        return self.amount


class Capture(_Settling, kw_only=True, gc=False):
    """Charge the cost, at most what is held and can be held; release the rest, book the missing part as a loss."""

    cost: int
    details: Mapping[str, Any] = _EMPTY

    def apply(self, book: Book) -> Captured:
        """Raises Conflict when the hold was voided."""
        hold = book.find_hold(self.key, self.user_id)
        if hold is not None and hold.state == HoldState.CAPTURED:
            return _captured(book, hold)
        if hold is not None and hold.state == HoldState.VOIDED:
            raise Conflict("The hold of this request was released.")
        hold = _opened(book, hold, self)
        missing = min(self.cost - hold.amount, book.spendable(self.user_id))
        if missing > 0:
            book.hold_more(hold, missing, "extend")
        book.settle(hold, charged=min(self.cost, hold.amount), cost=self.cost, details=_json(self.details))
        return _captured(book, hold)


class Void(_Settling, kw_only=True, gc=False):
    """Release a hold. Settled ones, and unknown ones, stay as they are."""

    def apply(self, book: Book) -> None:
        """Never raises but Conflict, for another customer's hold."""
        hold = book.find_hold(self.key, self.user_id)
        if hold is None or hold.state in (HoldState.CAPTURED, HoldState.VOIDED):
            return
        if hold.state == HoldState.OPEN:
            book.release(hold)
        hold.state = HoldState.VOIDED
        book.touch(hold)


class Mark(_Settling, kw_only=True, gc=False):
    """Note how much of a hold has been delivered, should this process die."""

    delivered: int

    def apply(self, book: Book) -> None:
        """Never lowers the mark."""
        hold = book.find_hold(self.key, self.user_id)
        if hold is not None and hold.state == HoldState.OPEN and self.delivered > hold.progress:
            hold.progress = self.delivered
            book.touch(hold)


class Sweep(_OnHold, kw_only=True, gc=False):
    """Settle an orphan: charge what is known to be delivered, or release it all. The outcome is what was charged."""

    process_id: int
    """Whose orphan it is; a hold that another process has taken over is left alone."""

    def apply(self, book: Book) -> int:
        """Does nothing for a hold that was settled meanwhile."""
        hold = book.find_hold(self.key, self.user_id)
        if hold is None or hold.state != HoldState.OPEN or hold.process_id != self.process_id:
            return 0
        charged = min(hold.progress, hold.amount)
        if charged:
            details = _json({"usage_source": "estimated", "swept": True})
            book.settle(hold, charged=charged, cost=hold.progress, details=details)
        else:
            book.release(hold)
            hold.state = HoldState.SWEPT
        return charged


class _Keyed(_Operation, kw_only=True, gc=False):
    key: str
    """A repeat with the same key is booked once."""
    kind: str
    actor: str | None = None
    details: Mapping[str, Any] = _EMPTY

    @property
    def entry_key(self) -> str | None:
        return self.key

    @property
    def makes_wallet(self) -> bool:
        return True

    def repeated(self, book: Book) -> Movement | None:
        """Return the first outcome when the key is booked. Raises Conflict when it is another customer's."""
        entry = book.find_entry(self.key)
        if entry is None:
            return None
        if entry.user_id != self.user_id:
            raise Conflict("This key has been used for another account.", param="key")
        change = entry.trial + entry.allowance + entry.purchased + entry.held
        return Movement(
            entry_id=entry.id, before=entry.balance_after - change, after=entry.balance_after, is_repeat=True
        )

    def move(
        self, book: Book, parts: Parts, counter: Counter, *, reference: str | None = None, loss: int = 0
    ) -> Movement:
        before = book.wallet(self.user_id).total
        book.credit(self.user_id, parts)
        entry = EntryRow(
            id=book.draw_id(),
            kind=self.kind,
            user_id=self.user_id,
            key=self.key,
            reference=reference,
            trial=parts.trial,
            allowance=parts.allowance,
            purchased=parts.purchased,
            balance_after=book.wallet(self.user_id).total,
            actor=self.actor,
            details=_json(self.details),
        )
        setattr(entry, counter, loss - parts.total)
        entry.loss = -loss
        book.enter(entry)
        return Movement(entry_id=entry.id, before=before, after=entry.balance_after)


class Transfer(_Keyed, kw_only=True, gc=False):
    """Add to a customer's accounts, or take away."""

    parts: Parts
    counter: Counter

    def apply(self, book: Book) -> Movement:
        """Raises InvalidRequest when a balance would fall below zero."""
        return self.repeated(book) or self.move(book, self.parts, self.counter)


class TakeBack(_Keyed, kw_only=True):
    """Take purchased credit back as far as it is there: what was spent already is the gateway's loss."""

    amount: int

    def apply(self, book: Book) -> Movement:
        """Never raises for a balance that is too low."""
        if (repeated := self.repeated(book)) is not None:
            return repeated
        taken = min(self.amount, book.wallet(self.user_id).purchased)
        return self.move(book, Parts(purchased=-taken), "clearing", loss=self.amount - taken)


class ResetAllowance(_Keyed, kw_only=True, gc=False):
    """Set the allowance to an amount, whatever is left of the last one: it does not roll over."""

    amount: int
    counter: Counter = "clearing"

    def apply(self, book: Book) -> Movement:
        """Money in open holds is not touched."""
        change = self.amount - book.wallet(self.user_id).allowance
        return self.repeated(book) or self.move(book, Parts(allowance=change), self.counter)


class Refund(_Keyed, kw_only=True, gc=False):
    """Give back what a request was charged, or a part of it, as purchased credit."""

    reference: str
    """Key of the hold."""
    amount: int | None = None
    """None: all that is left of the charge."""

    @property
    def hold_key(self) -> str | None:
        """The charge it gives back."""
        return self.reference

    def apply(self, book: Book) -> Movement:
        """Raises ResourceNotFound for no such charge, InvalidRequest for more than is left of it."""
        if (repeated := self.repeated(book)) is not None:
            return repeated
        hold = book.find_hold(self.reference, self.user_id)
        if hold is None or hold.state != HoldState.CAPTURED:
            raise ResourceNotFound("There is no such charge.", param="original_transaction_id")
        left = hold.captured - hold.refunded
        amount = left if self.amount is None else self.amount
        if not 0 < amount <= left:
            raise InvalidRequest("This charge has been refunded already, or is smaller.", param="amount")
        hold.refunded += amount
        book.touch(hold)
        return self.move(book, Parts(purchased=amount), "revenue", reference=self.reference)


def _opened(book: Book, hold: HoldRow | None, operation: Extend | Capture) -> HoldRow:
    """Return an open hold: a hold of nothing was not written, one from under a paused process was swept."""
    if hold is None:
        return book.open_hold(operation.key, operation.user_id)
    if hold.state == HoldState.SWEPT:
        book.reopen(hold)
    return hold


def _captured(book: Book, hold: HoldRow) -> Captured:
    return Captured(
        charged=hold.captured,
        held=hold.amount,
        balance=book.wallet(hold.user_id).spendable,
        entry_id=hold.settle_entry_id,
    )


def _json(details: Mapping[str, Any]) -> str | None:
    return msgspec.json.encode(details).decode() if details else None
