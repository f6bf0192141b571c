"""The ledger, the usage log, and what can be bought."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section
from gatewayz.config.sections.models import Rate

__all__ = ["CreditGrants", "CreditPackage", "CreditPackages", "Ledger", "SubscriptionTier", "Subscriptions", "UsageLog"]


class UsageLog(Section, frozen=True, kw_only=True):
    """The record of calls."""

    enabled: bool = True
    flush_s: Positive = 0.1
    """Rows are written in groups, at latest after this time."""
    max_pending: PositiveInt = 50_000
    keep_days: PositiveInt = 90
    """Older rows are forgotten; money stays in the ledger."""


class Ledger(Section, frozen=True, kw_only=True):
    """Time constants of money; they matter only when a process dies."""

    mark_s: Positive = 1.0
    """How often the progress of running streams is written."""
    beat_s: Positive = 5.0
    """How often a process tells that it lives, and looks for orphaned holds."""
    lease_s: Positive = 20.0
    """A process not heard of for so long is dead: its holds are settled by the others."""
    hold_ttl_s: Positive = 3600.0
    """A hold that its living process has not touched for so long is released; above the longest request."""
    keep_holds_days: PositiveInt = 30
    """Settled holds are forgotten after this; journal entries never."""


class CreditGrants(Section, frozen=True, kw_only=True):
    """What one administrator may give away (spec 00 §6.4)."""

    max_usd: Rate = "1000"
    """At once."""
    max_day_usd: Rate = "5000"
    """In 24 hours."""


class CreditPackage(Section, frozen=True, kw_only=True):
    """Credit for sale."""

    name: str
    credits: PositiveInt
    """Cents of credit."""
    amount: PositiveInt
    """Price in the smallest unit of the currency."""
    currency: str = "usd"
    description: str = ""
    features: tuple[str, ...] = ()
    popular: bool = False
    discount_percentage: Annotated[int, Meta(ge=0, le=100)] = 0
    price_id: str | None = None
    """The processor's own id of the price, when it keeps one."""


class CreditPackages(Section, frozen=True, kw_only=True):
    """What customers can buy."""

    packages: dict[str, CreditPackage] = {}
    currencies: dict[str, Rate] = {}
    """Currency to the US dollars of credit that one unit of it buys; others are not taken."""
    return_url: str = "http://localhost:3000"
    """Where payment pages send people back to, when the call does not say."""


class SubscriptionTier(Section, frozen=True, kw_only=True):
    """A subscription (spec 00 §6.3)."""

    name: str
    price_usd: Rate = "0"
    allowance_usd: Rate = "0"
    """Set at each paid renewal; what is left of the last one is gone."""
    products: tuple[str, ...] = ()
    """The processor's ids of products that stand for it."""


class Subscriptions(Section, frozen=True, kw_only=True):
    """Tiers by name."""

    tiers: dict[str, SubscriptionTier] = {}
    default_tier: str = "basic"
    """Tier of those without a subscription, and of products that no tier names."""
