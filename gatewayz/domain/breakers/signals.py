"""What routers may ask of the routes."""

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.sdk.offers import Offer

__all__ = ["RouteSignals"]


class RouteSignals:
    """`gatewayz.sdk.interfaces.Signals` over this process's breakers."""

    __slots__ = ("_breakers",)

    def __init__(self, breakers: Breakers) -> None:
        self._breakers = breakers

    def is_open(self, offer: Offer) -> bool:
        """True while the offer's circuit refuses calls."""
        return self._breakers.is_open(offer.circuit)

    def is_cooling(self, offer: Offer) -> bool:
        """True while the offer waits out a provider's rate limit."""
        return self._breakers.is_cooling(offer.circuit)

    def latency_p50_ms(self, offer: Offer) -> float | None:
        """Median time to first content of streams, None without a recent one."""
        return self._breakers.latency_p50_ms(offer.circuit)
