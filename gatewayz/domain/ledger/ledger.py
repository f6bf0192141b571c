"""The ledger as the rest of the gateway uses it.

Holds before, charges after, deposits beside; each call returns when it is on disk. Charges and
releases are promises: while the database is away they are kept and booked when it is back, and the
caller gets the outcome the hold guarantees.
Source: design 4, 11; docs/decisions/0063-ledger.md.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from random import randrange
from typing import Any, Final

import msgspec

from gatewayz.domain.ledger.book import Book, Parts, insufficient
from gatewayz.domain.ledger.groups import Groups
from gatewayz.domain.ledger.operations import (
    Authorize,
    Balances,
    Capture,
    Captured,
    Counter,
    Extend,
    Mark,
    Movement,
    Refund,
    ResetAllowance,
    Sweep,
    TakeBack,
    Transfer,
    Void,
)
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable
from gatewayz.sdk.money import MAX_USD, NANO_PER_USD
from gatewayz.store.ledger_records import AuditFinding, EntryRow, LedgerStore, LedgerView
from gatewayz.store.moment_id import MomentIds, first_id

__all__ = ["AuditReport", "Ledger", "LedgerStats"]

MAX_AMOUNT: Final = int(MAX_USD) * NANO_PER_USD
FINDINGS: Final = 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final[Mapping[str, Any]] = {}

logger = logging.getLogger("gatewayz.ledger")


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal says, and where it is contradicted."""

    totals: Mapping[str, int]
    """Account to balance, in nano-dollars; they sum to zero."""
    findings: Sequence[AuditFinding]

    @property
    def is_clean(self) -> bool:
        """True when every balance is the sum of its entries."""
        return not self.findings and sum(self.totals.values()) == 0


class LedgerStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures for metrics."""

    groups: int
    operations: int
    backlog: int
    """Charges and releases not booked yet because the database is away."""


class Ledger:
    """Money of all customers, for one process.

    :param draw: random numbers below its argument.
    """

    def __init__(self, store: LedgerStore, clock: Clock, *, draw: Callable[[int], int] = randrange) -> None:
        self._store = store
        self._clock = clock
        self._ids = MomentIds(draw)
        self.process_id = first_id(clock.now()) | draw(1 << 22)
        self._groups = Groups(store, self._open_book, self._ids.reseed)
        self._marks: dict[str, Mark] = {}

    async def authorize(self, user_id: int, amount: int, key: str) -> int:
        """Set money aside, on disk; return how much. Nothing is written for an amount of 0.

        Raises PaymentRequired; Conflict when the key was used before (a repeat is not a second run);
        StoreUnavailable. A caller that is cancelled holds nothing.
        """
        _check(amount)
        if amount == 0:
            return 0
        operation = Authorize(user_id=user_id, key=key, amount=amount)
        release = partial(self._release, user_id, key)
        try:
            return await self._groups.submit(operation, unwanted=release)
        except StoreUnavailable:
            release()  # the commit may have gone through before its answer was lost
            raise

    async def extend(self, user_id: int, amount: int, key: str) -> int:
        """Raise a hold to `amount`; return what is held. Raises as `authorize`."""
        _check(amount)
        return await self._groups.submit(Extend(user_id=user_id, key=key, amount=amount))

    async def capture(
        self, user_id: int, key: str, *, held: int, cost: int, details: Mapping[str, Any] = _NOTHING
    ) -> Captured:
        """Charge the cost, at most what is held or the balance allows; release the rest.

        A repeat returns the first outcome. While the database is away the charge that the hold
        guarantees is returned, and booked later. Raises Conflict when the hold was voided.

        :param held: what the caller knows to be held.
        """
        _check(cost)
        if held == 0 and cost == 0:
            return Captured(charged=0, held=0, balance=None)
        operation = Capture(user_id=user_id, key=key, cost=cost, details=details)
        self._marks.pop(key, None)
        try:
            return await self._groups.submit(operation, is_promised=True)
        except StoreUnavailable:
            return Captured(charged=min(cost, held), held=held, balance=None)

    async def void(self, user_id: int, key: str, *, held: int) -> None:
        """Release a hold; a repeat changes nothing. While the database is away it is released later."""
        if held == 0:
            return
        self._marks.pop(key, None)
        try:
            await self._groups.submit(Void(user_id=user_id, key=key), is_promised=True)
        except StoreUnavailable:
            logger.debug("hold %s is released when the database is back", key)

    def mark(self, user_id: int, key: str, delivered: int) -> None:
        """Note what a running request has cost so far; written soon, used only should this process die."""
        self._marks[key] = Mark(user_id=user_id, key=key, delivered=min(delivered, MAX_AMOUNT))

    async def deposit(
        self,
        user_id: int,
        parts: Parts,
        *,
        kind: str,
        key: str,
        counter: Counter,
        actor: str | None = None,
        details: Mapping[str, Any] = _NOTHING,
    ) -> Movement:
        """Add to a customer's accounts (or take away, by negative parts), once for each key.

        Raises InvalidRequest when a balance would fall below zero, ResourceNotFound for no such user.
        """
        for amount in (parts.trial, parts.allowance, parts.purchased):
            _check(abs(amount))
        return await self._groups.submit(
            Transfer(user_id=user_id, parts=parts, kind=kind, key=key, counter=counter, actor=actor, details=details)
        )

    async def take_back(
        self, user_id: int, amount: int, *, kind: str, key: str, actor: str, details: Mapping[str, Any] = _NOTHING
    ) -> Movement:
        """Take purchased credit back as far as it is there, once for each key; the movement says how much."""
        _check(amount)
        operation = TakeBack(user_id=user_id, amount=amount, kind=kind, key=key, actor=actor, details=details)
        return await self._groups.submit(operation)

    async def find_entry(self, key: str) -> EntryRow | None:
        """Return the entry booked under a key."""
        return await self._store.find_entry(key)

    async def reset_allowance(self, user_id: int, amount: int, *, kind: str, key: str, counter: Counter) -> Movement:
        """Set the allowance, once for each key: what is left of the last one is gone."""
        _check(amount)
        return await self._groups.submit(
            ResetAllowance(user_id=user_id, amount=amount, kind=kind, key=key, counter=counter)
        )

    async def refund(
        self,
        user_id: int,
        *,
        reference: str,
        key: str,
        amount: int | None = None,
        actor: str | None = None,
        details: Mapping[str, Any] = _NOTHING,
    ) -> Movement:
        """Give back a charge, or a part of it, as purchased credit, once for each key.

        :param reference: key of the charged hold.
        Raises ResourceNotFound, InvalidRequest (more than is left of the charge).
        """
        if amount is not None:
            _check(amount)
        operation = Refund(
            user_id=user_id, reference=reference, key=key, amount=amount, kind="refund", actor=actor, details=details
        )
        return await self._groups.submit(operation)

    async def balances(self, user_id: int) -> Balances:
        """Return what a customer has; nothing for one who never had anything."""
        wallet = await self._store.find_wallet(user_id)
        if wallet is None:
            return Balances()
        return Balances(trial=wallet.trial, allowance=wallet.allowance, purchased=wallet.purchased, held=wallet.held)

    async def spendable(self, user_id: int) -> int:
        """Return what a customer can spend now."""
        return (await self.balances(user_id)).spendable

    async def require(self, user_id: int, amount: int) -> None:
        """Raise PaymentRequired when a customer cannot spend so much now; nothing is held."""
        spendable = await self.spendable(user_id)
        if spendable < amount:
            raise insufficient(amount, spendable)

    async def list_entries(self, user_id: int, *, before: int | None = None, limit: int = 50) -> Sequence[EntryRow]:
        """Return a customer's transactions, newest first, with ids below `before`."""
        return await self._store.list_entries(user_id, before=before, limit=limit)

    async def audit(self) -> AuditReport:
        """Derive every balance from the journal and name the first differences."""
        return AuditReport(totals=await self._store.totals(), findings=await self._store.audit(FINDINGS))

    async def sweep(self, orphan_key: str, user_id: int, process_id: int) -> int:
        """Settle an orphaned hold; return what was charged."""
        operation = Sweep(user_id=user_id, key=orphan_key, process_id=process_id)
        return await self._groups.submit(operation)

    async def write_marks(self) -> None:
        """Write what running requests have cost so far."""
        marks, self._marks = self._marks, {}
        written = [self._groups.submit(mark) for mark in marks.values()]
        if written:
            await asyncio.wait(written)

    def now_ms(self) -> int:
        """Return the wall clock in milliseconds."""
        return int((self._clock.now() - _EPOCH).total_seconds() * 1000)

    def stats(self) -> LedgerStats:
        """Return the figures of this process."""
        groups = self._groups
        return LedgerStats(
            groups=groups.committed_groups, operations=groups.committed_operations, backlog=groups.backlog
        )

    async def aclose(self) -> None:
        """Book what is still to be booked."""
        await self._groups.drain()
        if self._groups.backlog:
            logger.error("%d charges or releases are left to the sweep: the database is away", self._groups.backlog)

    def _open_book(self, view: LedgerView) -> Book:
        next_id = partial(self._ids.next, first_id(self._clock.now()))
        return Book(view, next_id=next_id, process_id=self.process_id, now_ms=self.now_ms())

    def _release(self, user_id: int, key: str) -> None:
        self._groups.submit(Void(user_id=user_id, key=key), is_promised=True)


def _check(amount: int) -> None:
    if not 0 <= amount <= MAX_AMOUNT:
        raise InvalidRequest("This is not an amount of money.", code="PARAMETER_OUT_OF_RANGE", param="amount")
