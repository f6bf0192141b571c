"""Models to choose from, with what each would cost and how well it would answer."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gatewayz.sdk.interfaces import RoutingCall, Signals
from gatewayz.sdk.money import TOKENS_PER_PRICE_UNIT, usd_float
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.recent import Recent
from gatewayz.sdk.usage import Usage
from gatewayz_plugins.routers.selection.constraints import refusal
from gatewayz_plugins.routers.selection.facts import Abilities, Ability

__all__ = ["Candidate", "Demand", "Latencies", "Listing", "Shortlist", "shortlist"]

_Grouped = Mapping[str, tuple[Offer, ...]]


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt asks of a model."""

    need: float
    """0..1: how much is lost with a model of ability 0."""
    domains: Mapping[str, float]
    output_tokens: int

    @property
    def domain(self) -> str | None:
        """What it is mostly about; None of a prompt that was not scored."""
        return max(self.domains, key=self.domains.__getitem__) if self.domains else None


class Latencies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds to first content that stand in until something was measured."""

    unmeasured_ms: float = 900.0
    providers: dict[str, float] = {}
    source: str = ""
    date: str = ""

    def of(self, offer: Offer, signals: Signals) -> float:
        """Return the measured median of an offer, else its provider's stand-in."""
        measured = signals.latency_p50_ms(offer)
        return self.providers.get(offer.provider, self.unmeasured_ms) if measured is None else measured


class Candidate(msgspec.Struct, kw_only=True):
    """One model that may answer."""

    model: str
    offers: tuple[Offer, ...]
    """Those that may be tried, best first by what the mode looks at."""
    ability: float
    quality: float
    """Expected: what is left of 1 after what the prompt's need takes from a model of this ability."""
    cost: int
    """Expected nano-dollars at the first offer."""
    latency_ms: float | None = None
    """Expected, to first content, at the first offer; only where it is asked for."""
    is_available: bool = True

    def numbers(self) -> dict[str, object]:
        """Return it for people."""
        return {
            "model_id": self.model,
            "provider": self.offers[0].provider,
            "ability": round(self.ability, 4),
            "expected_quality": round(self.quality, 4),
            "expected_cost_usd": usd_float(self.cost),
            "expected_latency_ms": None if self.latency_ms is None else round(self.latency_ms, 1),
            "available": self.is_available,
        }


class Shortlist(msgspec.Struct, frozen=True, kw_only=True):
    """Who may answer, and how many models failed which constraint."""

    candidates: tuple[Candidate, ...]
    refused: Mapping[str, int]
    is_last_resort: bool = False
    """Every circuit of every model that fits is open."""

    @property
    def why_empty(self) -> str:
        """Return what emptied the list, most frequent first."""
        told = sorted(self.refused.items(), key=lambda each: (-each[1], each[0]))
        return "; ".join(f"{why} ({count})" for why, count in told) or "no model is served that answers conversations"


class Listing:
    """Offers by model, remembered for the tuple they came in: the catalog gives the same one each time."""

    def __init__(self, pool: Collection[str]) -> None:
        self._pool = frozenset(pool)
        self._grouped = Recent(self._group)

    def of_pool(self, offers: Sequence[Offer]) -> Mapping[str, tuple[Offer, ...]]:
        """Return the pool's models that are served."""
        return self._grouped.of(offers)[0]

    def of_all(self, offers: Sequence[Offer]) -> Mapping[str, tuple[Offer, ...]]:
        """Return every model that is served."""
        return self._grouped.of(offers)[1]

    def _group(self, offers: Sequence[Offer]) -> tuple[_Grouped, _Grouped]:
        """Return the offers of the pool's models, and all."""
        found: dict[str, list[Offer]] = {}
        for offer in offers:
            found.setdefault(offer.model, []).append(offer)
        of_all = {model: tuple(held) for model, held in found.items()}
        return {model: held for model, held in of_all.items() if model in self._pool}, of_all


def shortlist(
    call: RoutingCall,
    served: Mapping[str, tuple[Offer, ...]],
    demand: Demand,
    abilities: Abilities,
    *,
    guess: Ability,
    signals: Signals,
    latencies: Latencies | None = None,
) -> Shortlist:
    """Return the models that keep every constraint, with their numbers, in the order given.

    :param guess: the ability of models of which nothing is known.
    :param latencies: given where the fastest offer of a model is wanted; the cheapest is otherwise.
    """
    refused: Counter[str] = Counter()
    ready: list[Candidate] = []
    shut: list[Candidate] = []
    output_tokens = min(demand.output_tokens, call.max_output_tokens or demand.output_tokens)
    for model, offers in served.items():
        fitting, is_shut, why = _fitting(call, offers, signals)
        if not fitting:
            refused[why] += 1
            continue
        ability = abilities.get(model, guess).at(demand.domains)
        costs = [expected_cost(offer, call.prompt_tokens, output_tokens) for offer in fitting]
        latency_ms = None
        if latencies is not None:
            fitting, costs = fastest_first(fitting, costs, latencies, signals)
            latency_ms = latencies.of(fitting[0], signals)
        elif len(fitting) > 1:
            fitting, costs = cheapest_first(fitting, costs)
        candidate = Candidate(
            model=model,
            offers=tuple(fitting),
            ability=ability,
            quality=1.0 - demand.need * (1.0 - ability),
            cost=costs[0],
            latency_ms=latency_ms,
        )
        (shut if is_shut else ready).append(candidate)
    return Shortlist(candidates=tuple(ready or shut), refused=refused, is_last_resort=not ready and bool(shut))


def expected_cost(offer: Offer, prompt_tokens: int, output_tokens: int) -> int:
    """Return the nano-dollars that a call is likely to cost at an offer."""
    price = offer.price
    if price is None:
        return 0  # an offer without a price has been refused
    if price.tiers:
        return price.cost(Usage(input_tokens=prompt_tokens, output_tokens=output_tokens)).total
    return (prompt_tokens * price.input + output_tokens * price.output) // TOKENS_PER_PRICE_UNIT + price.request


def cheapest_first(offers: list[Offer], costs: list[int]) -> tuple[list[Offer], list[int]]:
    """Return offers and their costs by cost; those that cost the same stay in the catalog's order."""
    order = sorted(range(len(offers)), key=costs.__getitem__)
    return [offers[at] for at in order], [costs[at] for at in order]


def fastest_first(
    offers: list[Offer], costs: list[int], latencies: Latencies, signals: Signals
) -> tuple[list[Offer], list[int]]:
    """Return offers and their costs by time to first content, then cost."""
    order = sorted(range(len(offers)), key=lambda at: (latencies.of(offers[at], signals), costs[at]))
    return [offers[at] for at in order], [costs[at] for at in order]


def _fitting(call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> tuple[list[Offer], bool, str]:
    """Return the offers that keep every constraint, whether their circuits are open, and why others do not.

    Open circuits count only where no other is left.
    """
    closed: list[Offer] = []
    open_: list[Offer] = []
    why = ""
    for offer in offers:
        if (failed := refusal(offer, call)) is not None:
            why = failed
        elif signals.is_cooling(offer):
            why = "at its rate limit"
        elif signals.is_open(offer):
            open_.append(offer)
        else:
            closed.append(offer)
    return closed or open_, not closed, why
