"""The entries of a catalog (a model at a gateway) as JSON, encoded once and again only when traffic says something new.

Source: spec 02 §1.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import count
from typing import Final, NamedTuple

import msgspec

from gatewayz.areas.catalog.schema import ModelObject, Pricing
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.observation.traffic import Condition, TrafficView
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import PricingMissing
from gatewayz.sdk.money import usd_text
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.usage import Usage

__all__ = ["FRESH_S", "Entry", "Rows", "entries_of", "per_token", "pricing"]

FRESH_S: Final = 2.0
"""How old the health and the speed shown may be."""
_PER_TOKEN: Final = -15
"""Nano-dollars per million tokens to dollars per token, as a decimal exponent."""
_PICTURE: Final = Usage(images=1, image_size="1024x1024", image_quality="standard")
"""What a price by picture is shown of."""
_VERSIONS: Final = count(1)


class Entry(NamedTuple):
    """A model at one of its gateways."""

    model: Model
    offer: Offer

    @property
    def key(self) -> tuple[str, str]:
        """Provider and model, as traffic names an offer."""
        return self.offer.provider, self.model.id

    @property
    def price(self) -> Price:
        """What the offer costs. Raises PricingMissing; a catalog has no such offers."""
        if self.offer.price is None:
            raise PricingMissing(f"model {self.model.id!r} has no price at {self.offer.provider!r}", param="model")
        return self.offer.price


class _Vitals(NamedTuple):
    """What traffic says of an entry."""

    condition: Condition = "unknown"
    response_ms: float | None = None


_UNHEARD: Final = _Vitals()


def entries_of(model: Model) -> tuple[Entry, ...]:
    """Return a model's entries, one for each gateway, in the order to try."""
    offers = {offer.provider: offer for offer in reversed(model.offers)}
    return tuple(Entry(model, offers[provider]) for provider in dict.fromkeys(each.provider for each in model.offers))


class Rows:
    """Entries as JSON, for one catalog.

    :param traffic: what is known of each offer.
    :param scores: benchmark results of models, by id.
    """

    def __init__(
        self,
        catalog: Catalog,
        gateways: Gateways,
        traffic: TrafficView,
        clock: Clock,
        scores: Mapping[str, dict[str, float]] | None = None,
    ) -> None:
        self._scores = scores or {}
        self._gateways = gateways
        self._traffic = traffic
        self._clock = clock
        self._vitals: dict[tuple[str, str], _Vitals] = {}
        self._encoded: dict[tuple[str, str], msgspec.Raw] = {}
        self._fresh_until = 0.0
        self.version = next(_VERSIONS)
        """Changes when any row may have changed; never the same for two catalogs of a process."""
        self.primary = tuple(Entry(model, model.offers[0]) for model in catalog.models())
        """Each model at the gateway that is tried first, by id."""

    def refresh(self) -> None:
        """Take over what traffic says now, unless that was done a moment ago."""
        now = self._clock.monotonic()
        if now < self._fresh_until:
            return
        self._fresh_until = now + FRESH_S
        vitals = dict(_observed(self._traffic))
        changed = [
            key
            for key in vitals.keys() | self._vitals.keys()
            if vitals.get(key, _UNHEARD) != self._vitals.get(key, _UNHEARD)
        ]
        self._vitals = vitals
        if changed:
            self.version = next(_VERSIONS)
            for key in changed:
                self._encoded.pop(key, None)

    def raw(self, entry: Entry) -> msgspec.Raw:
        """Return an entry as JSON."""
        key = entry.key
        row = self._encoded.get(key)
        if row is None:
            row = self._encoded[key] = msgspec.Raw(msgspec.json.encode(self.object(entry)))
        return row

    def object(self, entry: Entry) -> ModelObject:
        """Return an entry as a value. Raises PricingMissing for an offer without a price."""
        model, offer = entry
        vitals = self._vitals.get(entry.key, _UNHEARD)
        return ModelObject(
            id=model.id,
            created=model.created,
            owned_by=model.owned_by,
            name=model.name,
            provider_slug=offer.provider,
            source_gateway=offer.provider,
            context_length=offer.context_length,
            max_output_tokens=offer.max_output_tokens,
            pricing=pricing(entry.price),
            description=model.description or f"{model.name} by {model.owned_by}",
            modality=model.modality,
            is_private=self._gateways.is_private(offer.provider),
            health_status=vitals.condition,
            average_response_time_ms=vitals.response_ms,
            provider_site_url=self._gateways.site(offer.provider),
            model_logo_url=self._gateways.logo(model.owned_by),
            supports_streaming=model.modality.endswith("->text"),
            supports_function_calling="tools" in offer.features,
            supports_vision="vision" in offer.features,
            supported_features=tuple(sorted(offer.features)),
            providers=tuple(dict.fromkeys(each.provider for each in model.offers)),
            benchmark_scores=self._scores.get(model.id),
            metadata={"price_source": entry.price.source, "price_date": entry.price.date},
        )


def _observed(traffic: TrafficView) -> Iterator[tuple[tuple[str, str], _Vitals]]:
    means = {(each.provider, each.model): each.latency.mean() for each in traffic.recent()}
    for (provider, model), state in traffic.states().items():
        mean = means.get((provider, model))
        yield (provider, model), _Vitals(state.condition, None if mean is None else float(round(mean)))


def pricing(price: Price) -> Pricing:
    """Return a price as lists show it."""
    return Pricing(
        prompt=per_token(price.input),
        completion=per_token(price.output),
        image=None if (image := price.image_rate(_PICTURE)) is None else usd_text(image),
        request=usd_text(price.request) if price.request else None,
        input_cache_read=None if price.cache_read is None else per_token(price.cache_read),
        input_cache_write=None if price.cache_write_5m is None else per_token(price.cache_write_5m),
    )


def per_token(rate: int) -> str:
    """Return nano-dollars per million tokens as the decimal text of dollars per token."""
    return f"{Decimal(rate).scaleb(_PER_TOKEN).normalize():f}"
