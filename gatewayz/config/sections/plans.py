"""Plans, trials, partners, referrals."""

from typing import Literal

from gatewayz.config.sections.base import Positive, PositiveInt, Section
from gatewayz.config.sections.models import Rate

__all__ = ["PartnerEntry", "PlanEntry", "PlanLimits", "Plans", "Referrals", "Trial"]


class PlanLimits(Section, frozen=True, kw_only=True):
    """Ceilings of a plan (spec 00 §6.2)."""

    requests_per_day: PositiveInt
    tokens_per_day: PositiveInt
    requests_per_month: PositiveInt
    tokens_per_month: PositiveInt
    concurrency: PositiveInt


class PlanEntry(Section, frozen=True, kw_only=True):
    """A plan; its key is the name that users carry."""

    id: PositiveInt
    """Number that the API shows; never given to another plan."""
    name: str
    description: str = ""
    type: Literal["free", "dev", "team", "customize", "admin"]
    """Its place in lists; `admin` is for administrators, hidden, and above every limit."""
    price_per_month: Rate = "0"
    yearly_price: Rate | None = None
    """Twelve months when absent."""
    price_per_token: Rate | None = None
    """US dollars for a token, where a plan has a price of its own."""
    is_pay_as_you_go: bool = False
    is_active: bool = True
    """False: nobody gets it any more; who has it keeps it."""
    is_trial_eligible: bool = False
    features: tuple[str, ...] = ()
    limits: PlanLimits


class Trial(Section, frozen=True, kw_only=True):
    """What a new account may try (spec 00 §6.1)."""

    days: Positive = 3.0
    credits: Rate = "5"
    tokens: PositiveInt = 1_000_000
    requests: PositiveInt = 10_000
    plan: str = "free"
    daily_cap: Rate | None = None
    """US dollars a day; None is no cap but the credits."""
    usage_age_s: Positive = 1.0
    """How old the count of a trial's usage may be when a call is admitted."""


class Plans(Section, frozen=True, kw_only=True):
    """What customers may use."""

    trial: Trial = Trial()
    without_plan: PlanLimits = PlanLimits(
        requests_per_day=25_000,
        tokens_per_day=500_000,
        requests_per_month=750_000,
        tokens_per_month=15_000_000,
        concurrency=10,
    )
    """For users that have no plan."""
    features_without_plan: tuple[str, ...] = ("basic_models",)
    offered: dict[str, PlanEntry] = {}


class PartnerEntry(Section, frozen=True, kw_only=True):
    """A partner's trial; its key is the code, in upper case (spec 08 §4)."""

    name: str
    days: Positive
    tier: str
    credits: Rate
    tokens: PositiveInt
    requests: PositiveInt
    daily_cap: Rate
    """US dollars that one user may spend a day."""
    is_active: bool = True


class Referrals(Section, frozen=True, kw_only=True):
    """What recommending brings (spec 03 §7)."""

    bonus: Rate = "10"
    """US dollars for each side."""
    min_purchase: Rate = "10"
    """US dollars of the first purchase that earn it."""
    max_uses: PositiveInt = 10
    """Of one code."""
    invite_url: str = "http://127.0.0.1:8000/signup"
    """Page of an invitation; `?ref=CODE` is added."""
