"""Which offers can be tried now: what every router has to say the same of."""

from collections.abc import Iterable

import msgspec

from gatewayz.sdk.interfaces import Signals
from gatewayz.sdk.offers import Offer

__all__ = ["Readiness", "readiness"]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Offers by whether they can be tried, each group in the order it was given."""

    ready: tuple[Offer, ...]
    shut: tuple[Offer, ...]
    """Their circuit is open: worth a last resort."""
    cooling: int
    """How many wait out a provider's rate limit: never tried."""

    @property
    def notes(self) -> str:
        """What is not ready, in words; empty when all are."""
        parts = [f"{self.cooling} cooling down"] if self.cooling else []
        if self.shut:
            parts.append(f"{len(self.shut)} with an open circuit")
        return ", ".join(parts)


def readiness(offers: Iterable[Offer], signals: Signals) -> Readiness:
    """Return the offers by what the gateway has seen of them."""
    ready: list[Offer] = []
    shut: list[Offer] = []
    cooling = 0
    for offer in offers:
        if signals.is_cooling(offer):
            cooling += 1
        elif signals.is_open(offer):
            shut.append(offer)
        else:
            ready.append(offer)
    return Readiness(ready=tuple(ready), shut=tuple(shut), cooling=cooling)
