"""What is known of models beforehand, as data of the configuration: figures with a source and a date."""

from collections.abc import Iterable, Mapping
from statistics import fmean

import msgspec

from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.offers import Offer, Price

__all__ = ["Abilities", "Ability", "Benchmark", "ModelFacts", "ability_of", "price_of"]


class Benchmark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public test, and the two results that stand for abilities 0 and 1."""

    low: float
    high: float
    domains: tuple[str, ...]
    """What it tells of: code, math, knowledge, reasoning, writing, chat."""
    source: str = ""
    """Of `low` and `high`."""

    def ability(self, figure: float) -> float:
        """Return a result as an ability, 0 to 1."""
        return min(1.0, max(0.0, (figure - self.low) / (self.high - self.low)))


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of a pool."""

    id: str
    """As lists show it."""
    served_as: str | None = None
    """Its canonical id in the catalog, where that is another."""
    name: str
    provider: str
    available_on: tuple[str, ...] = ()
    price_input: float
    """US dollars per million tokens; the catalog's price counts where the model is served."""
    price_output: float
    context_length: int
    figures: dict[str, float] = {}
    """Benchmark to result."""
    source: str = ""
    date: str = ""
    """ISO date the source was read."""

    @property
    def model(self) -> str:
        """Its canonical id."""
        return self.served_as or self.id

    def stand_in(self) -> Offer:
        """Return an offer as it would be, for pages about models that nobody serves here."""
        return Offer(
            model=self.model,
            provider=self.provider,
            upstream_model=self.id,
            price=price_of(self.price_input, self.price_output),
            context_length=self.context_length,
        )


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is, by domain and where nothing is known of a domain."""

    domains: Mapping[str, float]
    overall: float
    is_known: bool = True
    """False: no figure is known, so it is a guess."""

    def at(self, domains: Mapping[str, float]) -> float:
        """Return the ability for a prompt that is about several things with these probabilities."""
        known, overall, ability = self.domains, self.overall, 0.0
        for domain, share in domains.items():
            ability += share * known.get(domain, overall)
        return ability


Abilities = Mapping[str, Ability]
"""By canonical id."""


def ability_of(figures: Mapping[str, float], benchmarks: Mapping[str, Benchmark], unknown: float) -> Ability:
    """Return what the figures of a model come to: each domain is the mean of what its benchmarks tell.

    :param unknown: for a model without figures.
    """
    told = {name: benchmarks[name].ability(figure) for name, figure in figures.items() if name in benchmarks}
    if not told:
        return Ability(domains={}, overall=unknown, is_known=False)
    by_domain: dict[str, list[float]] = {}
    for name, ability in told.items():
        for domain in benchmarks[name].domains:
            by_domain.setdefault(domain, []).append(ability)
    return Ability(domains={domain: fmean(found) for domain, found in by_domain.items()}, overall=fmean(told.values()))


def price_of(input_usd: float, output_usd: float) -> Price:
    """Return a price from US dollars per million tokens."""
    return Price(input=round(input_usd * NANO_PER_USD), output=round(output_usd * NANO_PER_USD), source="router data")


def unknown_figures(models: Iterable[ModelFacts], benchmarks: Mapping[str, Benchmark]) -> list[str]:
    """Return the names of figures that no benchmark explains."""
    return sorted({name for model in models for name in model.figures if name not in benchmarks})
