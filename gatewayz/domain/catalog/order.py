"""In which order the offers of a model are tried, from rules that are data.

The operator's own instances, the detected primary, shipped providers outside the chain, the chain.
Source: spec 00 §9, §10.
"""

from collections.abc import Iterable, Sequence

from gatewayz.config.sections.providers import Detection, DetectionRule, Failover

__all__ = ["OfferOrder"]


class OfferOrder:
    """Orders the providers of a model.

    :param failover: the chain, the other shipped providers, and the pins.
    :param detection: rules that pick the primary.
    """

    def __init__(self, failover: Failover, detection: Detection) -> None:
        slugs = {alias.lower(): name for alias, name in detection.slugs.items()}

        def instances(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(slugs.get(name.lower(), name) for name in names)

        self._rank = {name: place for place, name in enumerate(instances(failover.chain))}
        self._shipped = frozenset((*self._rank, *instances(failover.others)))
        self._prefixes = {prefix.lower(): instances(names) for prefix, names in failover.pinned.items()}
        self._suffixes = {suffix.lower(): instances(names) for suffix, names in failover.pinned_suffixes.items()}
        self._rules = tuple((rule, instances(rule.providers)) for rule in detection.rules)
        self._default = instances(detection.default)

    def providers(self, model_id: str, declared: Sequence[str]) -> tuple[str, ...]:
        """Return the providers of a model in the order to try; some may be left out by a pin.

        :param declared: instances that are configured and offer the model, in the model's own order.
        """
        name = model_id.lower()
        own = [provider for provider in declared if provider not in self._shipped]
        shipped = [provider for provider in declared if provider in self._shipped]
        pins = self._pins(name)
        if pins is not None:
            return (*own, *(provider for provider in pins if provider in shipped))
        primary = self._primary(name, shipped)
        rest = [provider for provider in shipped if provider != primary]
        outside = [provider for provider in rest if provider not in self._rank]
        chain = sorted((provider for provider in rest if provider in self._rank), key=self._rank.__getitem__)
        return (*own, *([primary] if primary else []), *outside, *chain)

    def _pins(self, name: str) -> tuple[str, ...] | None:
        for suffix, providers in self._suffixes.items():
            if name.endswith(suffix):
                return providers
        fitting = [prefix for prefix in self._prefixes if name.startswith(prefix)]
        return self._prefixes[max(fitting, key=len)] or None if fitting else None

    def _primary(self, name: str, serving: Sequence[str]) -> str | None:
        for rule, providers in self._rules:
            if _fits(rule, name):
                for provider in providers:
                    if provider in serving:
                        return provider
        for provider in self._default:
            if provider in serving:
                return provider
        return serving[0] if serving else None


def _fits(rule: DetectionRule, name: str) -> bool:
    return (
        (rule.id is None or name == rule.id.lower())
        and (rule.prefix is None or name.startswith(rule.prefix.lower()))
        and (rule.suffix is None or name.endswith(rule.suffix.lower()))
    )
