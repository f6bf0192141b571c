"""Tiers in the order to look, and points inside a tier. Source: spec 06 §1.3."""

from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.offers import Price
from gatewayz_plugins.routers.code.settings import CodeMode, CodeModel, TaskClass

__all__ = ["points_of", "tier_of", "tiers_to_look_in"]

_BEST, _WORST = 1, 4
_STRENGTH = 2.0
_CODE_STRENGTH = 0.5


def tier_of(mode: CodeMode, task: TaskClass) -> int:
    """Return the tier a mode wants for a class: never worse than the class's minimum."""
    wanted = {"default": task.default_tier, "better": task.default_tier - 1, "best": _BEST}[mode.tier]
    return max(_BEST, min(wanted, task.minimum_tier, _WORST))


def tiers_to_look_in(wanted: int, task: TaskClass) -> tuple[int, ...]:
    """Return all tiers, best suited first: the wanted one, worse ones the class allows, better ones, then the rest."""
    allowed = range(wanted + 1, task.minimum_tier + 1)
    better = range(wanted - 1, _BEST - 1, -1)
    rest = range(max(wanted, task.minimum_tier) + 1, _WORST + 1)
    return (wanted, *allowed, *better, *rest)


def points_of(model: CodeModel, price: Price, category: str, mode: CodeMode) -> float:
    """Return a model's points: its strengths, its price and its benchmark, as the mode weighs them.

    :param price: of the offer that would be tried.
    """
    points = _STRENGTH if category in model.strengths else 0.0
    if any("code" in strength for strength in model.strengths):
        points += _CODE_STRENGTH
    points -= mode.price_weight * (2 * price.input + price.output) / 3 / NANO_PER_USD
    return points + mode.benchmark_weight * model.swe_bench
