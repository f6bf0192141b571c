"""Balancing over the offers of one model. Source: docs/decisions/0146."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from math import inf
from typing import Final

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.readiness import readiness
from gatewayz.sdk.usage import Usage
from gatewayz_plugins.routers.balanced.rendezvous import Draw, draw, number_of, standing
from gatewayz_plugins.routers.balanced.settings import BalancedSettings, Strategy

__all__ = ["BalancedRouter"]

_SAID: Final[Mapping[Strategy, str]] = {
    "order": "in catalog order",
    "price": "by price",
    "latency": "by time to first content",
    "weighted": "by weight",
    "spread": "spread evenly",
}
_BEGINNING: Final = 256
_UNWEIGHTED: Final[Mapping[str, float]] = {}


class BalancedRouter:
    """Puts offers into levels by the strategy, and orders each level by the conversation's own draws.

    A conversation is what its calls name (`affinity`), else how it began. One that is neither is numbered.

    :param turns: numbers for those calls.
    :param draw: where a conversation stands with an offer.
    """

    def __init__(
        self,
        settings: BalancedSettings,
        context: PluginContext,
        *,
        turns: Iterator[int] | None = None,
        draw: Draw = draw,
    ) -> None:
        self._settings = settings
        self._weights = _UNWEIGHTED if settings.strategy == "spread" else settings.weights
        self._turns = count() if turns is None else turns
        self._draw = draw

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers that can answer now, best first; open circuits as a last resort when none can.

        The same conversation gets the same order as long as the signals stay as they are.
        """
        now = readiness(offers, signals)
        conversation = number_of(call.affinity or _beginning(call.opening) or f"#{next(self._turns)}")
        said = _SAID[self._settings.strategy]
        notes = f"; {now.notes}" if now.notes else ""
        if now.ready:
            ordered = self._ordered(call, conversation, now.ready, offers, signals)
            return Ranking(offers=ordered, reason=f"{len(ordered)} ready {said}{notes}")
        if now.shut:
            ordered = self._ordered(call, conversation, now.shut, offers, signals)
            return Ranking(offers=ordered, reason=f"no route is ready, so a last resort {said}{notes}")
        return Ranking(offers=(), reason=f"no route is ready{notes}")

    def _ordered(
        self, call: RoutingCall, conversation: int, tried: Sequence[Offer], offers: Sequence[Offer], signals: Signals
    ) -> tuple[Offer, ...]:
        level = self._levels(call, conversation, tried, offers, signals)
        # Of all offers, ready or not: were it of those that are ready, one that goes away would move conversations
        # between the others.
        credentials: dict[str, int] = {}
        for offer in offers:
            credentials[offer.provider] = credentials.get(offer.provider, 0) + 1
        weights = self._weights

        named = offers[0].provider if _names_provider(call, offers[0]) else None

        def place(offer: Offer) -> tuple[bool, bool, float, float]:
            weight = weights.get(offer.provider, 1.0)
            drawn = self._draw(conversation, f"{offer.provider}\0{offer.credential}")
            stands = standing(weight / credentials[offer.provider], drawn)
            return offer.provider != named, weight == 0, level(offer), -stands

        return tuple(sorted(tried, key=place))

    def _levels(
        self, call: RoutingCall, conversation: int, tried: Sequence[Offer], offers: Sequence[Offer], signals: Signals
    ) -> Callable[[Offer], float]:
        match self._settings.strategy:
            case "order":
                places = {offer.circuit: float(place) for place, offer in enumerate(offers)}
                return lambda offer: places[offer.circuit]
            case "price":
                return self._price_levels(call)
            case "latency":
                return self._latency_levels(conversation, tried, signals)
        return lambda offer: 0.0

    def _price_levels(self, call: RoutingCall) -> Callable[[Offer], float]:
        expected = self._settings.expected_output_tokens
        usage = Usage(
            input_tokens=call.prompt_tokens,
            output_tokens=min(expected, call.max_output_tokens or expected),
        )
        return lambda offer: inf if offer.price is None else float(offer.price.cost(usage).total)

    def _latency_levels(self, conversation: int, tried: Sequence[Offer], signals: Signals) -> Callable[[Offer], float]:
        seen = {offer.circuit: signals.latency_p50_ms(offer) for offer in tried}
        known = [latency for latency in seen.values() if latency is not None]
        if not known:
            places = {offer.circuit: float(place) for place, offer in enumerate(tried)}
            return lambda offer: places[offer.circuit]
        alike = min(known) * (1.0 + self._settings.latency_tolerance)
        unknown = -1.0 if self._draw(conversation, "explore") < self._settings.explore else inf

        def level(offer: Offer) -> float:
            latency = seen[offer.circuit]
            if latency is None:
                return unknown
            return 0.0 if latency <= alike else latency

        return level


def _beginning(opening: str) -> str:
    """Return enough of a text to tell it from others at the same cost for every length."""
    if len(opening) <= 2 * _BEGINNING:
        return opening
    return f"{opening[:_BEGINNING]}{opening[-_BEGINNING:]}{len(opening)}"


def _names_provider(call: RoutingCall, first: Offer) -> bool:
    """Whether the model's name was written the way the first offer's provider has it: it is then tried first."""
    requested = call.requested_model.lower()
    if requested == call.model.lower():
        return False
    is_its_own = "/" in requested and requested == first.upstream_model.lower()
    return is_its_own or requested.startswith(f"{first.provider}/")
