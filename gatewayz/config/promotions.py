"""What can be wrong with plans, trials, partners and referrals beyond their shape."""

import re
from collections.abc import Iterator
from typing import Final

from gatewayz.config.load import Loaded
from gatewayz.config.problems import KeyPath, Problem, did_you_mean
from gatewayz.sdk.money import nano_from_usd

__all__ = ["check_promotions"]

_CODE: Final = re.compile(r"[A-Z0-9_-]{1,32}")


def check_promotions(loaded: Loaded) -> Iterator[Problem]:
    """Return an error for each amount that is none, plan that is missing, id or code that cannot be used."""
    yield from _amounts(loaded)
    yield from _plans(loaded)
    for code in loaded.settings.partners:
        if _CODE.fullmatch(code) is None:
            message = "a partner's code has 1 to 32 upper-case letters, digits, '-' or '_'"
            yield loaded.problem(("partners", code), message)


def _amounts(loaded: Loaded) -> Iterator[Problem]:
    for path, amount in _amount_paths(loaded):
        if amount is None:
            continue
        try:
            is_negative = nano_from_usd(str(amount)) < 0
        except ValueError as err:
            yield loaded.problem(path, str(err))
            continue
        if is_negative:
            yield loaded.problem(path, "an amount is not below zero")


def _amount_paths(loaded: Loaded) -> Iterator[tuple[KeyPath, str | int | float | None]]:
    settings = loaded.settings
    for name in ("credits", "daily_cap"):
        yield ("plans", "trial", name), getattr(settings.plans.trial, name)
        for code, partner in settings.partners.items():
            yield ("partners", code, name), getattr(partner, name)
    for key, plan in settings.plans.offered.items():
        for name in ("price_per_month", "yearly_price"):
            yield ("plans", "offered", key, name), getattr(plan, name)
    for name in ("bonus", "min_purchase"):
        yield ("referrals", name), getattr(settings.referrals, name)


def _plans(loaded: Loaded) -> Iterator[Problem]:
    plans = loaded.settings.plans
    seen: dict[int, str] = {}
    for key, plan in plans.offered.items():
        if plan.id in seen:
            yield loaded.problem(("plans", "offered", key, "id"), f"is the id of the plan {seen[plan.id]!r} already")
        seen.setdefault(plan.id, key)
    if plans.offered and plans.trial.plan not in plans.offered:
        hint = did_you_mean(plans.trial.plan, plans.offered)
        yield loaded.problem(("plans", "trial", "plan"), f"there is no plan {plans.trial.plan!r}{hint}")
