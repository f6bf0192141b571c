"""What is bought for how much, and how it is shown. Source: spec 04 §4."""

from typing import Any

from gatewayz.config.sections.money import CreditPackages
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.money import NANO_PER_USD, nano_from_usd
from gatewayz.store.payment_records import Payment, Subscription

__all__ = ["credit_for", "price_of", "show_packages", "show_payment", "show_subscription"]


def credit_for(packages: CreditPackages, amount: int, credit_value: int | None, currency: str) -> int:
    """Return the cents of credit that an amount buys.

    More than is paid is given for a package only: a caller does not name its own discount.
    Raises InvalidRequest naming the parameter.
    """
    rates = packages.currencies or {"usd": "1"}
    if currency not in rates:
        known = ", ".join(sorted(rates))
        raise InvalidRequest(f"Payments are taken in {known}.", param="currency", context={"allowed_values": known})
    worth = amount * nano_from_usd(str(rates[currency])) // NANO_PER_USD
    if credit_value is None or credit_value == worth:
        return worth
    offered = [(each.amount, each.credits, each.currency) for each in packages.packages.values()]
    if (amount, credit_value, currency) not in offered:
        raise InvalidRequest(
            "credit_value is the amount itself, or what a credit package gives for it.",
            code="PARAMETER_OUT_OF_RANGE",
            param="credit_value",
        )
    return credit_value


def price_of(packages: CreditPackages, amount: int, credit: int, currency: str) -> str | None:
    """Return the processor's own price of a package, where it keeps one."""
    wanted = (amount, credit, currency)
    found = (p.price_id for p in packages.packages.values() if (p.amount, p.credits, p.currency) == wanted)
    return next(found, None)


def show_packages(packages: CreditPackages) -> dict[str, Any]:
    """Return what is for sale (11.1)."""
    return {
        "packages": [
            {
                "id": name,
                "name": each.name,
                "credits": each.credits,
                "amount": each.amount,
                "currency": each.currency,
                "description": each.description,
                "features": each.features,
                "popular": each.popular,
                "discount_percentage": each.discount_percentage,
            }
            for name, each in packages.packages.items()
        ]
    }


def show_payment(payment: Payment) -> dict[str, Any]:
    """Return one payment (11.5)."""
    return {
        "id": payment.id,
        "amount": payment.amount,
        "currency": payment.currency,
        "status": payment.status,
        "payment_method": payment.method,
        "stripe_payment_intent_id": payment.intent_id,
        "created_at": payment.created_at,
        "completed_at": payment.completed_at,
        "metadata": payment.metadata,
    }


def show_subscription(found: Subscription | None) -> dict[str, Any]:
    """Return a user's subscription; without one every field is null (11.6)."""
    return {
        "has_subscription": found is not None and found.status != "canceled",
        "subscription_id": None if found is None else found.subscription_id,
        "status": None if found is None else found.status,
        "tier": None if found is None else found.tier,
        "current_period_start": None if found is None else found.period_start,
        "current_period_end": None if found is None else found.period_end,
        "cancel_at_period_end": None if found is None else found.cancel_at_period_end,
        "canceled_at": None if found is None else found.canceled_at,
        "product_id": None if found is None else found.product_id,
        "price_id": None if found is None else found.price_id,
    }
