"""Subscriptions: tier, status and allowance follow the processor's events. Source: spec 00 §6.3-6.4, 04 §4 (11.8)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.config.sections.money import Subscriptions
from gatewayz.config.settings import Settings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.promotions import Promotions
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import nano_from_usd
from gatewayz.sdk.payments import InvoiceNotice, SubscriptionNotice
from gatewayz.store.payment_records import Subscription
from gatewayz.store.ports import AccountStore

if TYPE_CHECKING:
    from gatewayz.store.sql.payments import SqlPaymentStore

__all__ = ["SubscriptionBook", "tier_of"]

_STATUSES: Final = {
    "active": "active",
    "trialing": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "canceled": "canceled",
    "incomplete": "inactive",
    "incomplete_expired": "canceled",
    "paused": "inactive",
}


class SubscriptionBook:
    """Applies notices of subscriptions and their invoices."""

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

    async def change(self, notice: SubscriptionNotice) -> str:
        """Take over a subscription's state. Raises ResourceNotFound when nobody is known to have it."""
        state, rules = notice.state, self._settings_of().subscriptions
        known = await self._store.find_subscription_by_id(state.id)
        user_id = known.user_id if known is not None else notice.user_id
        if user_id is None:
            return "The subscription is not one of ours."
        other = await self._store.find_subscription(user_id)
        if known is None and other is not None and other.status == "active" and notice.event != "created":
            return "The user has another subscription."
        status = "canceled" if notice.event == "deleted" else _STATUSES.get(state.status, "inactive")
        tier = tier_of(rules, state.product_id) if status == "active" else rules.default_tier
        saved = Subscription(
            user_id=user_id,
            processor=known.processor if known is not None else "payments",
            customer_id=state.customer_id,
            subscription_id=state.id,
            status=status,
            tier=tier,
            product_id=state.product_id,
            price_id=state.price_id,
            period_start=state.period_start,
            period_end=state.period_end,
            cancel_at_period_end=state.cancel_at_period_end,
            canceled_at=state.canceled_at or (notice.at if status == "canceled" else None),
            as_of=notice.at,
        )
        if known is not None and known.as_of > notice.at:
            return "A newer state of the subscription is known."
        await self._move_allowance(known, saved, notice)
        await self._store.save_subscription(saved, self._clock.now())
        if status == "active":
            await self._end_trial(user_id)
        return f"The subscription is {status}."

    async def renew(self, notice: InvoiceNotice) -> str:
        """Set the allowance for a paid period, or note that it was not paid. Raises ResourceNotFound (too early)."""
        known = await self._store.find_subscription_by_id(notice.subscription_id)
        if known is None:
            raise ResourceNotFound("The invoice came before its subscription.")
        rules = self._settings_of().subscriptions
        if not notice.is_paid:
            if notice.at < known.as_of:
                return "A newer state of the subscription is known."
            failed = msgspec.structs.replace(known, status="past_due", tier=rules.default_tier, as_of=notice.at)
            await self._store.save_subscription(failed, self._clock.now())
            return "The subscription is past due."
        await self._tell(known.user_id, notice)
        if notice.is_update or known.status == "canceled":
            return "The invoice changes no allowance."
        tier = tier_of(rules, known.product_id)
        await self._set_allowance(known.user_id, rules, tier, "subscription_renewal", f"invoice:{notice.invoice_id}")
        if known.status != "active" and notice.at >= known.as_of:
            active = msgspec.structs.replace(known, status="active", tier=tier, as_of=notice.at)
            await self._store.save_subscription(active, self._clock.now())
        return "The allowance is set for the period."

    async def _end_trial(self, user_id: int) -> None:
        user = await self._users.find_user(user_id)
        if user is not None:
            await self._promotions.trials.convert(user, self._settings_of().plans.trial)
            self._promotions.trial_gate.forget(user_id)

    async def _tell(self, user_id: int, notice: InvoiceNotice) -> None:
        """End the payer's trial and reward who referred them; an invoice of nothing is no payment."""
        user = await self._users.find_user(user_id)
        settings = self._settings_of()
        rate = (settings.credit_packages.currencies or {"usd": "1"}).get(notice.currency.lower())
        if user is not None and rate is not None and notice.amount > 0:
            paid = notice.amount * nano_from_usd(str(rate)) // 100
            await self._promotions.note_payment(user, paid, settings)

    async def _move_allowance(
        self, known: Subscription | None, saved: Subscription, notice: SubscriptionNotice
    ) -> None:
        rules = self._settings_of().subscriptions
        stamp = int(notice.at.timestamp())
        key = f"subscription:{saved.subscription_id}:{notice.event}:{saved.product_id}:{stamp}"
        if saved.status == "canceled":
            key = f"subscription:{saved.subscription_id}:ended"
            await self._ledger.reset_allowance(
                saved.user_id, 0, kind="subscription_cancellation", key=key, counter="clearing"
            )
        elif saved.status == "active" and known is None:
            await self._set_allowance(saved.user_id, rules, saved.tier, "subscription_renewal", key)
        elif (
            saved.status == "active"
            and known is not None
            and _allowance(rules, saved.tier) > _allowance(rules, tier_of(rules, known.product_id))
        ):
            await self._set_allowance(saved.user_id, rules, saved.tier, "subscription_upgrade", key)

    async def _set_allowance(self, user_id: int, rules: Subscriptions, tier: str, kind: str, key: str) -> None:
        await self._ledger.reset_allowance(user_id, _allowance(rules, tier), kind=kind, key=key, counter="clearing")


def tier_of(rules: Subscriptions, product_id: str | None) -> str:
    """Return the tier that a product stands for."""
    for name, tier in rules.tiers.items():
        if product_id is not None and product_id in tier.products:
            return name
    return rules.default_tier


def _allowance(rules: Subscriptions, tier: str) -> int:
    found = rules.tiers.get(tier)
    return 0 if found is None else nano_from_usd(str(found.allowance_usd))
