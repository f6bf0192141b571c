"""Sums of traffic: of a provider, of a model, of everything. Quantiles and distinct users are those of the sum."""

from collections.abc import Callable, Iterable, Mapping

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.traffic import NOBODY, Traffic

__all__ = ["by_model", "by_provider", "total"]


def total(parts: Iterable[Traffic], provider: str = "", model: str = "") -> Traffic:
    """Return the sum under a name; of nothing, zeros and empty distributions."""
    whole = Bucket()
    for part in parts:
        whole.merge(Bucket.of(part))
    return whole.traffic(provider, model)


def by_provider(parts: Iterable[Traffic]) -> Mapping[str, Traffic]:
    """Return the sum of each provider; requests that no offer could be tried for are nobody's."""
    called = (part for part in parts if part.provider != NOBODY)
    return {name: total(group, provider=name) for name, group in _grouped(called, lambda part: part.provider).items()}


def by_model(parts: Iterable[Traffic]) -> Mapping[str, Traffic]:
    """Return the sum of each model over its providers."""
    return {name: total(group, model=name) for name, group in _grouped(parts, lambda part: part.model).items()}


def _grouped(parts: Iterable[Traffic], key: Callable[[Traffic], str]) -> dict[str, list[Traffic]]:
    groups: dict[str, list[Traffic]] = {}
    for part in parts:
        groups.setdefault(key(part), []).append(part)
    return groups
