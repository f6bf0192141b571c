"""Plans as values, and whose is which, from memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from gatewayz.config.sections.plans import PlanEntry, PlanLimits
from gatewayz.config.sections.plans import Plans as PlanRules
from gatewayz.domain.identity.caller import Caller
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.money import nano_from_usd

__all__ = ["Plan", "Plans"]

_ORDER: Final = ("free", "dev", "team", "customize", "admin")
_ADMIN: Final = "admin"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan; amounts in nano-dollars."""

    key: str | None
    """What users carry; None for those without a plan."""
    id: int | None
    name: str
    description: str = ""
    type: str = "free"
    price_per_month: int = 0
    yearly_price: int = 0
    price_per_token: Decimal | None = None
    """US dollars."""
    is_pay_as_you_go: bool = False
    is_active: bool = True
    is_trial_eligible: bool = False
    features: tuple[str, ...] = ()
    limits: PlanLimits

    @property
    def is_unlimited(self) -> bool:
        """True for the administrators' plan, which bypasses every limit."""
        return self.type == _ADMIN


class Plans:
    """The plans of one configuration. Raises ConfigurationError for rules that contradict each other."""

    def __init__(self, rules: PlanRules, clock: Clock) -> None:
        self._clock = clock
        plans = [_plan(key, entry) for key, entry in rules.offered.items()]
        plans.sort(key=lambda plan: (_ORDER.index(plan.type), plan.price_per_month, plan.id or 0))
        self._by_key: Mapping[str, Plan] = {str(plan.key).casefold(): plan for plan in plans}
        self._by_id: Mapping[int, Plan] = {plan.id: plan for plan in plans if plan.id is not None}
        if len(self._by_key) != len(plans) or len(self._by_id) != len(plans):
            raise ConfigurationError("plans.offered: two plans have one name or one id")
        self._admin = next((plan for plan in plans if plan.type == _ADMIN), None)
        self.without = Plan(
            key=None,
            id=None,
            name="No plan",
            is_pay_as_you_go=True,
            features=rules.features_without_plan,
            limits=rules.without_plan,
        )
        """What users without a plan have."""

    def of(self, caller: Caller) -> Plan:
        """Return the plan that is in force for a caller now; administrators have theirs."""
        if caller.is_admin and self._admin is not None:
            return self._admin
        return self.named(caller.plan, caller.plan_ends_at)

    def named(self, key: str | None, ends_at: datetime | None = None) -> Plan:
        """Return the plan of a user that carries `key`; one that lapsed or is gone from the list counts as none."""
        if key is None or (ends_at is not None and self._clock.now() >= ends_at):
            return self.without
        return self._by_key.get(key.casefold(), self.without)

    def offered(self) -> Sequence[Plan]:
        """Return what is shown: active plans in the order free, dev, team, customize."""
        return [plan for plan in self._by_key.values() if plan.is_active and plan.type != _ADMIN]

    def find(self, plan_id: int) -> Plan | None:
        """Return the plan of an id, hidden ones too."""
        return self._by_id.get(plan_id)


def _plan(key: str, entry: PlanEntry) -> Plan:
    try:
        monthly = nano_from_usd(str(entry.price_per_month))
        yearly = monthly * 12 if entry.yearly_price is None else nano_from_usd(str(entry.yearly_price))
        per_token = None if entry.price_per_token is None else Decimal(str(entry.price_per_token))
    except (ValueError, ArithmeticError) as err:
        raise ConfigurationError(f"plans.offered.{key}: {err}") from err
    return Plan(
        key=key,
        id=entry.id,
        name=entry.name,
        description=entry.description,
        type=entry.type,
        price_per_month=monthly,
        yearly_price=yearly,
        price_per_token=per_token,
        is_pay_as_you_go=entry.is_pay_as_you_go,
        is_active=entry.is_active,
        is_trial_eligible=entry.is_trial_eligible,
        features=entry.features,
        limits=entry.limits,
    )
