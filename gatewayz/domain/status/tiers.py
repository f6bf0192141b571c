"""How closely an offer is watched, by how much it is used. Source: spec 00 §13."""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final, Literal

__all__ = ["TIERS", "Offered", "Tier", "tiers_of"]

Tier = Literal["critical", "popular", "standard", "on_demand"]
TIERS: Final[tuple[Tier, ...]] = ("critical", "popular", "standard", "on_demand")
Offered = tuple[str, str]
"""Provider and model."""

_CRITICAL_PERCENT: Final = 5
_POPULAR_PERCENT: Final = 20


def tiers_of(requests: Mapping[Offered, int], offers: Iterable[Offered]) -> dict[Offered, Tier]:
    """Return the tier of each offer, those used most first: 5 % of the used ones are critical, the next 20 % popular.

    An offer that nobody has used is on demand. At least one of the used ones is critical.
    """
    offers = sorted(offers, key=lambda offer: (-requests.get(offer, 0), offer))
    used = sum(requests.get(offer, 0) > 0 for offer in offers)
    critical = ceil(used * _CRITICAL_PERCENT / 100)
    popular = critical + ceil(used * _POPULAR_PERCENT / 100)
    return {offer: _tier(place, critical, popular, used) for place, offer in enumerate(offers)}


def _tier(place: int, critical: int, popular: int, used: int) -> Tier:
    if place >= used:
        return "on_demand"
    return "critical" if place < critical else "popular" if place < popular else "standard"
