"""Settings to a catalog: which models can be called, where, at what price, in which order.

What cannot be called is left out and reported, never guessed: a model without a provider that is
configured, an offer without a price.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal, get_args

import msgspec

from gatewayz.config.sections.models import ModelEntry, OfferEntry, PriceEntry
from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.catalog.order import OfferOrder
from gatewayz.domain.catalog.pricing import price_from_entry
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import Feature, Offer, Price

__all__ = ["Skipped", "build_catalog"]

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FEATURES: Final[frozenset[str]] = frozenset(get_args(Feature))


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A model, or one of its offers, that is not in the catalog."""

    model: str
    reason: Literal["unserved", "unpriced"]
    provider: str | None = None
    """The offer's provider; None when the whole model is left out."""

    @property
    def message(self) -> str:
        """The same for people."""
        if self.reason == "unserved":
            return f"model {self.model!r} is left out: none of its providers is configured"
        if self.provider is not None:
            return f"model {self.model!r} is not offered at {self.provider!r}: it has no price there"
        return f"model {self.model!r} is left out: it has no price at any configured provider"


def build_catalog(
    settings: Settings, capabilities: Mapping[str, Capabilities], *, skipped: list[Skipped] | None = None
) -> Catalog:
    """Return the catalog of what the configured provider instances serve.

    :param capabilities: instance name to what it promises; offers at other instances are left out.
    :param skipped: receives what was left out, and why.
    Raises ConfigurationError, with the key's path, for values that mean nothing.
    Source: spec 00 §8-10, §12 ("no price, no call").
    """
    builder = _Builder(settings, capabilities)
    models = [model for model_id, entry in settings.models.items() if (model := builder.model(model_id, entry))]
    if skipped is not None:
        skipped.extend(builder.skipped)
    whole = [each for each in builder.skipped if each.provider is None]
    return Catalog(
        models,
        aliases=settings.aliases,
        slugs=settings.detection.slugs,
        pinned=settings.failover.pinned,
        unpriced=[each.model for each in whole if each.reason == "unpriced"],
        unserved=[each.model for each in whole if each.reason == "unserved"],
    )


class _Builder:
    """Builds one model after the other, keeping what was left out."""

    def __init__(self, settings: Settings, capabilities: Mapping[str, Capabilities]) -> None:
        self._capabilities = capabilities
        self._order = OfferOrder(settings.failover, settings.detection)
        self._default_output_tokens = settings.default_output_tokens
        self._features: dict[tuple[str, ...], frozenset[Feature]] = {}
        self.skipped: list[Skipped] = []

    def model(self, model_id: str, entry: ModelEntry) -> Model | None:
        key = f"models.{model_id}"
        vendor, slash, bare = model_id.partition("/")
        if not (vendor and slash and bare) or not model_id.isprintable() or " " in model_id:
            raise ConfigurationError(f"{key}: a model's id is 'vendor/name'")
        declared = [provider for provider in entry.offers if provider in self._capabilities]
        providers = self._order.providers(model_id, declared)
        if not providers:
            self.skipped.append(Skipped(model=model_id, reason="unserved"))
            return None
        own_price = _price(entry.price, f"{key}.price")
        offers: list[Offer] = []
        for provider in providers:
            offers.extend(self._offers(model_id, entry, provider, own_price))
        if not offers:
            self.skipped.append(Skipped(model=model_id, reason="unpriced"))
            return None
        return Model(
            id=model_id,
            name=entry.name or bare,
            description=entry.description or "",
            context_length=entry.context_length,
            max_output_tokens=entry.max_output_tokens,
            features=self._known_features(entry.features, key),
            modality=entry.modality,
            created=_unix_day(entry.created, f"{key}.created"),
            owned_by=vendor,
            offers=tuple(offers),
            default_output_tokens=entry.default_output_tokens
            or min(self._default_output_tokens, entry.max_output_tokens or self._default_output_tokens),
        )

    def _offers(self, model_id: str, entry: ModelEntry, provider: str, own_price: Price | None) -> list[Offer]:
        """Return one offer for each credential of the provider; none, reported, when it has no price."""
        offer: OfferEntry = entry.offers[provider]
        key = f"models.{model_id}.offers.{provider}"
        price = _price(offer.price, f"{key}.price") or own_price
        if price is None:
            self.skipped.append(Skipped(model=model_id, provider=provider, reason="unpriced"))
            return []
        features = self._known_features(entry.features if offer.features is None else offer.features, key)
        return [
            Offer(
                model=model_id,
                provider=provider,
                upstream_model=offer.id or self._capabilities[provider].model_ids.upstream_id(model_id),
                credential=credential,
                price=price,
                context_length=offer.context_length or entry.context_length,
                max_output_tokens=offer.max_output_tokens or entry.max_output_tokens,
                features=features,
            )
            for credential in self._capabilities[provider].credentials
        ]

    def _known_features(self, names: tuple[str, ...], key: str) -> frozenset[Feature]:
        """Return the features as a set, one object for equal sets."""
        found = self._features.get(names)
        if found is None:
            unknown = sorted(set(names) - _FEATURES)
            if unknown:
                raise ConfigurationError(f"{key}.features: unknown: {', '.join(unknown)}")
            found = self._features[names] = msgspec.convert(names, frozenset[Feature])
        return found


def _price(entry: PriceEntry | None, key: str) -> Price | None:
    return None if entry is None else price_from_entry(entry, key)


def _unix_day(text: str | None, key: str) -> int:
    if text is None:
        return 0
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * 86_400
    except ValueError as err:
        raise ConfigurationError(f"{key}: not an ISO date: {text!r}") from err
