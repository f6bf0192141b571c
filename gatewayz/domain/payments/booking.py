"""What notices of a processor do to payments, subscriptions and the ledger. Every step may be repeated.

Source: spec 04 §4 (11.8), design 4; docs/decisions/0111-payment-inbox.md.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gatewayz.config.settings import Settings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.payments.subscribing import SubscriptionBook
from gatewayz.domain.promotions import Promotions
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import NANO_PER_USD, nano_from_usd
from gatewayz.sdk.payments import (
    DisputeNotice,
    InvoiceNotice,
    Notice,
    PaidNotice,
    RefundNotice,
    SubscriptionNotice,
    UnpaidNotice,
)
from gatewayz.store.payment_records import Payment
from gatewayz.store.ports import AccountStore

if TYPE_CHECKING:
    from gatewayz.store.sql.payments import SqlPaymentStore

__all__ = ["PaymentBook"]

NANO_PER_CENT: Final = NANO_PER_USD // 100

_log = logging.getLogger("gatewayz.payments")


class PaymentBook:
    """Applies notices."""

    def __init__(
        self,
        store: "SqlPaymentStore",
        ledger: Ledger,
        users: AccountStore,
        clock: Clock,
        *,
        promotions: Promotions,
        settings_of: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._users = users
        self._clock = clock
        self._promotions = promotions
        self._settings_of = settings_of
        self._subscriptions = SubscriptionBook(
            store, ledger, users, clock, promotions=promotions, settings_of=settings_of
        )

    async def apply(self, notice: Notice) -> str:
        """Book a notice; return in words what was done. Raises ResourceNotFound for what is not known yet."""
        match notice:
            case PaidNotice():
                return await self._pay(notice)
            case UnpaidNotice():
                return await self._fail(notice)
            case RefundNotice():
                return await self._give_back(notice)
            case DisputeNotice():
                return await self._dispute(notice)
            case SubscriptionNotice():
                return await self._subscriptions.change(notice)
            case InvoiceNotice():
                return await self._subscriptions.renew(notice)

    async def _pay(self, notice: PaidNotice) -> str:
        payment = await self._payment(notice.payment_id, notice.session_id, notice.intent_id)
        if payment is None:
            return "The payment is not one of ours."
        if notice.currency.lower() != payment.currency or notice.amount <= 0:
            _log.error("payment %d came as %d %s: nothing is booked", payment.id, notice.amount, notice.currency)
            await self._store.update(payment.id, status="mismatch")
            return "The payment is in another currency than asked for; nothing was booked."
        if notice.amount != payment.amount:
            _log.warning("payment %d was %d, %d came", payment.id, payment.amount, notice.amount)
        credit = payment.credit * notice.amount * NANO_PER_CENT // payment.amount
        moved = await self._ledger.deposit(
            payment.user_id,
            Parts(purchased=credit),
            kind="purchase",
            key=f"payment:{payment.id}",
            counter="clearing",
            actor="payments",
            details={"payment_id": payment.id, "amount": notice.amount, "currency": payment.currency},
        )
        if payment.intent_id is None and notice.intent_id is not None:
            await self._store.update(payment.id, intent_id=notice.intent_id)
        if payment.completed_at is None:
            await self._store.update(
                payment.id,
                status="completed",
                paid=notice.amount,
                method=notice.method or payment.method,
                completed_at=self._clock.now(),
            )
        await self._tell(payment, notice.amount)
        return "The payment was booked before." if moved.is_repeat else "The payment is booked."

    async def _tell(self, payment: Payment, amount: int) -> None:
        """End the payer's trial and reward who referred them; repeated with the notice, for it may have failed."""
        user = await self._users.find_user(payment.user_id)
        if user is not None:
            settings = self._settings_of()
            paid = _nano_of(amount, payment, settings)
            await self._promotions.note_payment(user, paid, settings)

    async def _fail(self, notice: UnpaidNotice) -> str:
        payment = await self._payment(notice.payment_id, notice.session_id, notice.intent_id)
        if payment is None or payment.status != "pending":
            return "There is no such pending payment."
        await self._store.update(payment.id, status=notice.status)
        return f"The payment {notice.status}."

    async def _give_back(self, notice: RefundNotice) -> str:
        payment = await self._store.find_by_intent(notice.intent_id)
        if payment is None:
            return "The payment is not one of ours."
        if payment.completed_at is None:
            raise ResourceNotFound("The refund came before its payment.")
        if notice.returned <= payment.returned:
            return "The refund was booked before."
        await self._take(payment, notice.returned - payment.returned, f"payment:{payment.id}:refund:{notice.returned}")
        status = "refunded" if notice.returned >= payment.paid else "partially_refunded"
        await self._store.update(payment.id, status=status, returned=notice.returned)
        return "The refund is booked."

    async def _dispute(self, notice: DisputeNotice) -> str:
        payment = await self._store.find_by_intent(notice.intent_id)
        if payment is None:
            return "The payment is not one of ours."
        if payment.completed_at is None:
            raise ResourceNotFound("The dispute came before its payment.")
        key = f"payment:{payment.id}:dispute:{notice.dispute_id}"
        if notice.state == "taken":
            await self._take(payment, notice.amount, key)
            await self._store.update(payment.id, status="disputed")
            return "The disputed credit is taken back."
        taken = await self._ledger.find_entry(key)
        if taken is None:
            raise ResourceNotFound("The end of the dispute came before its beginning.")
        await self._ledger.deposit(
            payment.user_id,
            Parts(purchased=-taken.purchased),
            kind="purchase",
            key=f"{key}:won",
            counter="clearing",
            actor="payments",
            details={"payment_id": payment.id, "reason": "dispute won"},
        )
        await self._store.update(payment.id, status="completed")
        return "The disputed credit is given again."

    async def _take(self, payment: Payment, returned: int, key: str) -> None:
        """Take credit back for money that went back; what was spent already is a loss, not a debt."""
        credit = payment.credit * returned * NANO_PER_CENT // payment.amount
        moved = await self._ledger.take_back(
            payment.user_id,
            credit,
            kind="admin_debit",
            key=key,
            actor="payments",
            details={"payment_id": payment.id, "returned": returned, "currency": payment.currency},
        )
        missing = credit - (moved.before - moved.after)
        if missing > 0:
            _log.warning(
                "payment %d: credit of %d nano-dollars was spent before it was taken back", payment.id, missing
            )

    async def _payment(self, payment_id: int | None, session_id: str | None, intent_id: str | None) -> Payment | None:
        """Return our payment: by the processor's own ids first, then by ours, which it was given."""
        found = await self._store.find_by_session(session_id) if session_id else None
        if found is None and intent_id:
            found = await self._store.find_by_intent(intent_id)
        if found is None and payment_id is not None:
            found = await self._store.find(payment_id)
        return found


def _nano_of(amount: int, payment: Payment, settings: Settings) -> int:
    """Return what an amount is worth: by its currency's rate, for a package's discount is no money that came."""
    rate = (settings.credit_packages.currencies or {"usd": "1"}).get(payment.currency)
    if rate is None:  # the currency is no longer taken
        return payment.credit * amount * NANO_PER_CENT // payment.amount
    return amount * nano_from_usd(str(rate)) // 100
