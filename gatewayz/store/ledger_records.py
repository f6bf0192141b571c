"""What the ledger keeps, as values; every amount is in nano-dollars.

A journal entry is one row with a column for each account, and the columns sum to zero. A column
is the *change* of its account: customers' accounts (trial, allowance, purchased, held) are what we
owe them, `clearing` is what has been paid in (negative), `promotions` what we gave away
(negative), `revenue` what was earned, `loss` what of it could not be charged (negative),
`provider_cost` what was accrued for providers (negative) against `provider_payable`.
Source: design 4; docs/decisions/0063-ledger.md.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Final, Protocol, TypeVar

import msgspec

from gatewayz.sdk.errors import GatewayzError

__all__ = [
    "ENTRY_COLUMNS",
    "HOLD_COLUMNS",
    "INTERNAL_KINDS",
    "AuditFinding",
    "EntryRow",
    "HoldRow",
    "HoldState",
    "LedgerBroken",
    "LedgerChanges",
    "LedgerScope",
    "LedgerStore",
    "LedgerView",
    "OrphanedHold",
    "WalletRow",
]

T = TypeVar("T")


class LedgerBroken(GatewayzError):
    """A rule of money would be broken; nothing was booked. A mistake of ours, never of a caller."""


INTERNAL_KINDS: Final = ("hold", "extend", "void")
"""Entries that move money between a customer's own accounts only; lists of transactions leave them out."""


class HoldState(IntEnum):
    """`SWEPT`: released because its process was gone; the only final state that may be left again."""

    OPEN = 0
    CAPTURED = 1
    VOIDED = 2
    SWEPT = 3


class WalletRow(msgspec.Struct, gc=False):
    """What a customer has. `held` is in open holds and cannot be spent."""

    user_id: int
    trial: int = 0
    allowance: int = 0
    purchased: int = 0
    held: int = 0

    @property
    def spendable(self) -> int:
        """What a new hold may take."""
        return self.trial + self.allowance + self.purchased

    @property
    def total(self) -> int:
        """What is the customer's, held or not."""
        return self.trial + self.allowance + self.purchased + self.held


class HoldRow(msgspec.Struct, gc=False):
    """Money set aside for one request, by the account it came from; once settled, what was set aside then."""

    id: int
    """Moment id; also the id of the entry that took it."""
    process_id: int
    state: int
    trial: int
    allowance: int
    purchased: int
    captured: int
    refunded: int
    cost: int
    progress: int
    """What is known to be delivered, should its process die."""
    settle_entry_id: int | None
    touched_ms: int
    user_id: int
    key: str

    @property
    def amount(self) -> int:
        """What is, or was at the capture, set aside."""
        return self.trial + self.allowance + self.purchased


class EntryRow(msgspec.Struct, kw_only=True, gc=False):
    """A balanced journal entry."""

    id: int
    kind: str
    user_id: int
    key: str | None = None
    """A repeat with the same key is not booked again."""
    reference: str | None = None
    """Key of the hold it belongs to."""
    trial: int = 0
    allowance: int = 0
    purchased: int = 0
    held: int = 0
    revenue: int = 0
    loss: int = 0
    provider_cost: int = 0
    provider_payable: int = 0
    promotions: int = 0
    clearing: int = 0
    balance_after: int
    """The customer's total afterwards."""
    actor: str | None = None
    details: str | None = None
    """JSON: what the entry is about."""


HOLD_COLUMNS: Final = tuple(HoldRow.__struct_fields__)
ENTRY_COLUMNS: Final = tuple(EntryRow.__struct_fields__)


class LedgerScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision needs to see; its customers are locked until the commit."""

    user_ids: Sequence[int] = ()
    hold_keys: Sequence[str] = ()
    entry_keys: Sequence[str] = ()
    new_wallets: Sequence[int] = ()
    """Customers who may not have a wallet yet and get one."""
    is_durable: bool = True
    """The commit waits for the disk; else only for the operating system, and the next durable one carries it there."""


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    wallets: Mapping[int, WalletRow]
    holds: Mapping[str, HoldRow]
    entries: Mapping[str, EntryRow]
    """Entries booked under the keys of the scope."""


class LedgerChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to write, in one transaction."""

    wallets: Sequence[WalletRow] = ()
    """Differences, not values."""
    new_holds: Sequence[HoldRow] = ()
    changed_holds: Sequence[HoldRow] = ()
    entries: Sequence[EntryRow] = ()


class OrphanedHold(msgspec.Struct, frozen=True, kw_only=True):
    """An open hold whose process is gone, or that is much too old."""

    key: str
    user_id: int
    process_id: int


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between what is kept and what the entries say."""

    where: str
    """`user 7`, `hold 7:req_1`, `entry 12`."""
    what: str
    kept: int
    derived: int


class LedgerStore(Protocol):
    """The ledger's part of the store. Every method may raise StoreUnavailable."""

    async def transact(self, scope: LedgerScope, decide: Callable[[LedgerView], tuple[LedgerChanges, T]]) -> T:
        """Read, decide, write and commit as one step that no other process can interleave.

        `decide` may be called twice. Raises Conflict when an id or key is taken, ResourceNotFound
        when a new wallet's user does not exist, LedgerBroken when a rule of the database is violated.
        """
        ...

    async def find_wallet(self, user_id: int) -> WalletRow | None:
        """Return what a customer has."""
        ...

    async def find_hold(self, key: str) -> HoldRow | None:
        """Return a hold."""
        ...

    async def find_entry(self, key: str) -> EntryRow | None:
        """Return the entry booked under a key."""
        ...

    async def list_entries(self, user_id: int, *, before: int | None = None, limit: int = 50) -> Sequence[EntryRow]:
        """Return a customer's entries but the internal ones, newest first, with ids below `before`."""
        ...

    async def beat(self, process_id: int, now_ms: int) -> None:
        """Tell that a process lives."""
        ...

    async def forget_process(self, process_id: int) -> None:
        """Tell that a process has ended."""
        ...

    async def list_orphans(self, *, alive_since_ms: int, touched_before_ms: int, limit: int) -> Sequence[OrphanedHold]:
        """Return open holds not touched since their process was last heard of, or for too long by a living one."""
        ...

    async def prune_holds(self, before_id: int, limit: int) -> int:
        """Forget settled holds with ids below; return how many went. The entries stay."""
        ...

    async def totals(self) -> Mapping[str, int]:
        """Return the balance of every account over all entries."""
        ...

    async def audit(self, limit: int) -> Sequence[AuditFinding]:
        """Derive every balance from the entries; return the first differences, empty when there are none."""
        ...
