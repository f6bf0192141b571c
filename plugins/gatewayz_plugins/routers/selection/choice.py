"""The choice itself: the cheapest, or the fastest, of those that are good enough."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.offers import Offer
from gatewayz_plugins.routers.selection.candidates import Candidate

__all__ = ["Objective", "chain", "keep", "order"]

CHAIN_LENGTH: Final = 5
_OFFERS_OF_FIRST: Final = 2


class Objective(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mode wants: least cost, or least latency, with at most `tolerance` of the best quality given up.

    A larger tolerance never costs more: the models that are good enough for a smaller one are among its own.
    """

    tolerance: Annotated[float, Meta(ge=0, le=1)]
    least: Literal["cost", "latency"] = "cost"

    def is_enough(self, candidate: Candidate, best: float, slack: float = 0.0) -> bool:
        """Tell whether a candidate's quality is near enough to the best one's."""
        return candidate.quality >= best * (1.0 - self.tolerance - slack)


def order(candidates: Sequence[Candidate], objective: Objective) -> list[Candidate]:
    """Return the candidates, best first: those good enough by what the mode wants least of, the rest by quality.

    The first is never dominated: whoever is cheaper (or faster) and no worse would be before it.
    """
    best = max((candidate.quality for candidate in candidates), default=0.0)
    enough = [candidate for candidate in candidates if objective.is_enough(candidate, best)]
    rest = [candidate for candidate in candidates if not objective.is_enough(candidate, best)]
    if objective.least == "latency":
        enough.sort(key=lambda each: (each.latency_ms or 0.0, each.cost, -each.quality, each.model))
    else:
        enough.sort(key=lambda each: (each.cost, -each.quality, each.model))
    rest.sort(key=lambda each: (-each.quality, each.cost, each.model))
    return enough + rest


def keep(ordered: list[Candidate], model: str | None, objective: Objective, slack: float) -> bool:
    """Put the model a conversation has first, if it is still good enough with some slack. Tell whether it was there."""
    held = next((candidate for candidate in ordered if candidate.model == model), None)
    best = max((candidate.quality for candidate in ordered), default=0.0)
    if held is None or not objective.is_enough(held, best, slack):
        return False
    ordered.remove(held)
    ordered.insert(0, held)
    return True


def chain(ordered: Sequence[Candidate]) -> tuple[Offer, ...]:
    """Return the offers to try: two of the first model, one of each further model; other providers where there are."""
    tried: list[Offer] = []
    for place, candidate in enumerate(ordered[:CHAIN_LENGTH]):
        for _ in range(_OFFERS_OF_FIRST if place == 0 else 1):
            used = {offer.provider for offer in tried}
            left = [offer for offer in candidate.offers if offer not in tried]
            tried += [next((offer for offer in left if offer.provider not in used), left[0])] if left else []
    return tuple(tried[:CHAIN_LENGTH])
