"""Grants, withdrawals and refunds by hand: who, how much, why; capped, and booked in the ledger.

The cap counts whatever an administrator adds: grants, positive adjustments, and refunds that name no charge.
Source: spec 00 §6.4, 04 §1; docs/decisions/0110-grants-by-hand.md.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec

from gatewayz.config.sections.money import CreditGrants
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.operations import Movement
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import GatewayzError, InvalidRequest, ResourceNotFound
from gatewayz.sdk.money import nano_from_usd, usd_float, usd_text
from gatewayz.store.ports import AccountStore

if TYPE_CHECKING:
    from gatewayz.store.sql.journal import SqlGrantedStore, SqlJournal

__all__ = ["Adjustments", "BulkResult", "GrantCaps", "actor_name", "grant_caps"]

_WINDOW: Final = timedelta(hours=24)


class GrantCaps(msgspec.Struct, frozen=True, kw_only=True):
    """What one administrator may add, in nano-dollars."""

    per_grant: int
    per_day: int
    """In any 24 hours."""


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant to many did for one of them."""

    user_id: int
    movement: Movement | None
    error: str | None = None


class Adjustments:
    """The service."""

    def __init__(
        self,
        ledger: Ledger,
        granted: "SqlGrantedStore",
        journal: "SqlJournal",
        users: AccountStore,
        clock: Clock,
        *,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._ledger = ledger
        self._granted = granted
        self._journal = journal
        self._users = users
        self._clock = clock
        self._new_id = new_id

    async def add(
        self,
        user_id: int,
        amount: int,
        *,
        actor: str,
        reason: str,
        caps: GrantCaps,
        kind: str = "admin_credit",
        details: Mapping[str, Any],
    ) -> Movement:
        """Add purchased credit. Raises InvalidRequest above a cap, ResourceNotFound for no such user."""
        await self.require_user(user_id)
        (grant_id,) = await self._reserve([(user_id, amount)], actor, reason, caps)
        return await self._book(grant_id, user_id, amount, actor=actor, reason=reason, kind=kind, details=details)

    async def take(self, user_id: int, amount: int, *, actor: str, reason: str, details: Mapping[str, Any]) -> Movement:
        """Take credit away: purchased first, then allowance, then trial.

        Raises InvalidRequest when there is less than that, ResourceNotFound for no such user.
        """
        await self.require_user(user_id)
        has = await self._ledger.balances(user_id)
        purchased = min(amount, has.purchased)
        allowance = min(amount - purchased, has.allowance)
        trial = min(amount - purchased - allowance, has.trial)
        if purchased + allowance + trial < amount:
            raise InvalidRequest(
                f"The balance would fall below zero: {usd_text(has.spendable)} dollars can be taken.",
                code="PARAMETER_OUT_OF_RANGE",
                param="amount",
                context={"min_value": -usd_float(has.spendable)},
            )
        return await self._ledger.deposit(
            user_id,
            Parts(purchased=-purchased, allowance=-allowance, trial=-trial),
            kind="admin_debit",
            key=f"debit:{self._new_id()}",
            counter="promotions",
            actor=actor,
            details={**details, "reason": reason},
        )

    async def refund(
        self,
        user_id: int,
        amount: int,
        *,
        original: int | None,
        actor: str,
        reason: str,
        caps: GrantCaps,
        details: Mapping[str, Any],
    ) -> Movement:
        """Give credit back; with `original`, id of a charge, at most that charge and once only.

        Raises InvalidRequest (refunded before, more than the charge, above a cap), ResourceNotFound.
        """
        await self.require_user(user_id)
        if original is None:
            return await self.add(
                user_id, amount, actor=actor, reason=reason, caps=caps, kind="refund", details=details
            )
        entry = await self._journal.find(original)
        if entry is None or entry.user_id != user_id or entry.kind != "api_usage" or entry.reference is None:
            raise ResourceNotFound("This user has no such charge.", param="original_transaction_id")
        movement = await self._ledger.refund(
            user_id,
            reference=entry.reference,
            key=f"refund:{original}",
            amount=amount,
            actor=actor,
            details={**details, "reason": reason, "original_transaction_id": str(original)},
        )
        if movement.is_repeat:
            raise InvalidRequest("This charge has been refunded already.", param="original_transaction_id")
        return movement

    async def add_to_many(
        self,
        user_ids: Sequence[int],
        amount: int,
        *,
        actor: str,
        reason: str,
        caps: GrantCaps,
        details: Mapping[str, Any],
    ) -> list[BulkResult]:
        """Add the same amount to several users; who does not exist is reported, the others get theirs.

        Raises InvalidRequest when all of it together is above a cap: then nobody gets anything.
        """
        known = [user_id for user_id in user_ids if await self._users.find_user(user_id) is not None]
        ids = await self._reserve([(user_id, amount) for user_id in known], actor, reason, caps) if known else ()
        reserved = dict(zip(known, ids, strict=True))
        results: list[BulkResult] = []
        for user_id in user_ids:
            if user_id not in reserved:
                results.append(BulkResult(user_id=user_id, movement=None, error="There is no such user."))
                continue
            try:
                moved = await self._book(
                    reserved[user_id], user_id, amount, actor=actor, reason=reason, kind="admin_credit", details=details
                )
            except GatewayzError as err:
                results.append(BulkResult(user_id=user_id, movement=None, error=err.message))
            else:
                results.append(BulkResult(user_id=user_id, movement=moved))
        return results

    async def require_user(self, user_id: int) -> None:
        """Raise ResourceNotFound for no such user."""
        if await self._users.find_user(user_id) is None:
            raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")

    async def _reserve(
        self, grants: Sequence[tuple[int, int]], actor: str, reason: str, caps: GrantCaps
    ) -> Sequence[int]:
        if any(amount > caps.per_grant for _, amount in grants):
            raise _above(f"A single grant is at most {usd_text(caps.per_grant)} dollars.", caps.per_grant)
        now = self._clock.now()
        ids = await self._granted.reserve(actor, grants, reason, since=now - _WINDOW, cap=caps.per_day, now=now)
        if ids is None:
            raise _above(
                f"One administrator may add at most {usd_text(caps.per_day)} dollars in 24 hours.", caps.per_day
            )
        return ids

    async def _book(
        self,
        grant_id: int,
        user_id: int,
        amount: int,
        *,
        actor: str,
        reason: str,
        kind: str,
        details: Mapping[str, Any],
    ) -> Movement:
        try:
            return await self._ledger.deposit(
                user_id,
                Parts(purchased=amount),
                kind=kind,
                key=f"by-hand:{grant_id}",
                counter="promotions",
                actor=actor,
                details={**details, "reason": reason},
            )
        except (InvalidRequest, ResourceNotFound):
            await self._granted.withdraw(grant_id)  # refused, so nothing moved; a lost answer keeps the cap's count
            raise


def _above(message: str, limit: int) -> InvalidRequest:
    return InvalidRequest(
        message, code="PARAMETER_OUT_OF_RANGE", param="amount", context={"max_value": usd_float(limit)}
    )


def actor_name(user_id: int | None) -> str:
    """Return who is noted as having done it; the environment's admin key has no user."""
    return "admin_key" if user_id is None else f"user:{user_id}"


def grant_caps(settings: CreditGrants) -> GrantCaps:
    """Return the caps of a configuration."""
    return GrantCaps(per_grant=nano_from_usd(str(settings.max_usd)), per_day=nano_from_usd(str(settings.max_day_usd)))
