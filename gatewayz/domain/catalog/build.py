"""Settings to a catalog: which models can be called, where, at what price, in which order.

What cannot be called is left out and reported, never guessed: a model without a provider that is
configured, an offer without a price.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal, get_args

import msgspec

from gatewayz.config.sections.models import ModelEntry, OfferEntry, PriceEntry
from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.catalog.known import NOTHING_KNOWN, Known, KnownModel, KnownOffer
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


_NO_ENTRY: Final = ModelEntry()
_NO_OFFER: Final = OfferEntry()
_NO_FACTS: Final = KnownModel()


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """An offer of the settings, completed by what is known."""

    id: str | None
    price: PriceEntry | None
    known_price: Price | None
    context_length: int | None
    max_output_tokens: int | None
    features: tuple[str, ...] | None


def build_catalog(
    settings: Settings,
    capabilities: Mapping[str, Capabilities],
    *,
    known: Known = NOTHING_KNOWN,
    skipped: list[Skipped] | None = None,
) -> Catalog:
    """Return the catalog of what the configured provider instances serve.

    What the settings say of a model or an offer wins over what is known of it otherwise.

    :param capabilities: instance name to what it promises; offers at other instances are left out.
    :param known: models and offers beside those of the settings.
    :param skipped: receives which of the settings' models and offers were left out, and why.
    Raises ConfigurationError, with the key's path, for values that mean nothing.
    Source: spec 00 §8-10, §12 ("no price, no call").
    """
    builder = _Builder(settings, capabilities, known)
    models = [model for model_id in builder.model_ids() if (model := builder.model(model_id))]
    if skipped is not None:
        skipped.extend(builder.skipped)
    unpriced = [each.model for each in builder.skipped if each.provider is None and each.reason == "unpriced"]
    served = {*unpriced, *(model.id for model in models)}
    return Catalog(
        models,
        aliases=settings.aliases,
        slugs=settings.detection.slugs,
        pinned=settings.failover.pinned,
        unpriced=unpriced,
        unserved=[model_id for model_id in {**settings.models, **known.models} if model_id not in served],
    )


class _Builder:
    """Builds one model after the other, keeping what was left out."""

    def __init__(self, settings: Settings, capabilities: Mapping[str, Capabilities], known: Known) -> None:
        self._entries = settings.models
        self._capabilities = capabilities
        self._known = known.models
        self._known_offers = _by_model(known, capabilities)
        self._order = OfferOrder(settings.failover, settings.detection)
        self._default_output_tokens = settings.default_output_tokens
        self._features: dict[tuple[str, ...], frozenset[Feature]] = {}
        self.skipped: list[Skipped] = []

    def model_ids(self) -> Iterable[str]:
        """Return the ids of every model that might be served."""
        return {**self._entries, **self._known_offers}

    def model(self, model_id: str) -> Model | None:
        """Return a model; None, reported where the settings name it, when it cannot be called."""
        key = f"models.{model_id}"
        entry, facts = self._entries.get(model_id, _NO_ENTRY), self._known.get(model_id, _NO_FACTS)
        vendor, slash, bare = model_id.partition("/")
        if not (vendor and slash and bare) or not model_id.isprintable() or " " in model_id:
            raise ConfigurationError(f"{key}: a model's id is 'vendor/name'")
        if not entry.enabled:
            return None
        elsewhere = self._known_offers.get(model_id, {})
        providers = self._order.providers(model_id, self._declared(entry, elsewhere))
        if not providers:
            if model_id in self._entries:
                self.skipped.append(Skipped(model=model_id, reason="unserved"))
            return None
        own_price = _price(entry.price, f"{key}.price")
        features = entry.features or facts.features
        merged = KnownModel(
            context_length=entry.context_length or facts.context_length,
            max_output_tokens=entry.max_output_tokens or facts.max_output_tokens,
            features=features,
        )
        offers: list[Offer] = []
        for provider in providers:
            offer = entry.offers.get(provider, _NO_OFFER)
            found = _laid_over(offer, elsewhere.get(provider), entry)
            offers.extend(self._offers(model_id, provider, found, own_price, merged))
        if not offers:
            self.skipped.append(Skipped(model=model_id, reason="unpriced"))
            return None
        limit = merged.max_output_tokens or self._default_output_tokens
        return Model(
            id=model_id,
            name=entry.name or facts.name or bare,
            description=entry.description or "",
            context_length=merged.context_length,
            max_output_tokens=merged.max_output_tokens,
            features=self._known_features(features, key),
            modality=entry.modality or facts.modality,
            created=_unix_day(entry.created or facts.created, f"{key}.created"),
            owned_by=vendor,
            offers=tuple(offers),
            default_output_tokens=entry.default_output_tokens
            or facts.default_output_tokens
            or min(self._default_output_tokens, limit),
            is_media_only=all(offer.price is not None and offer.price.is_media_only for offer in offers),
        )

    def _declared(self, entry: ModelEntry, elsewhere: Mapping[str, KnownOffer]) -> list[str]:
        """Return the providers of a model: those of the settings in their order, then the others, cheapest first."""
        named = [name for name, offer in entry.offers.items() if offer.enabled and name in self._capabilities]
        more = [name for name in elsewhere if name not in entry.offers]
        return [*named, *sorted(more, key=lambda name: (_weight(elsewhere[name].price), name))]

    def _offers(
        self, model_id: str, provider: str, found: _Found, own_price: Price | None, model: KnownModel
    ) -> list[Offer]:
        """Return one offer for each credential of the provider; none, reported, when it has no price."""
        key = f"models.{model_id}.offers.{provider}"
        price = _price(found.price, f"{key}.price") or own_price or found.known_price
        if price is None:
            self.skipped.append(Skipped(model=model_id, provider=provider, reason="unpriced"))
            return []
        features = self._known_features(model.features if found.features is None else found.features, key)
        return [
            Offer(
                model=model_id,
                provider=provider,
                upstream_model=found.id or self._capabilities[provider].model_ids.upstream_id(model_id),
                credential=credential,
                price=price,
                context_length=found.context_length or model.context_length,
                max_output_tokens=found.max_output_tokens or model.max_output_tokens,
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


def _by_model(known: Known, capabilities: Mapping[str, Capabilities]) -> dict[str, dict[str, KnownOffer]]:
    """Return the known offers at configured instances: model to provider to offer."""
    found: dict[str, dict[str, KnownOffer]] = {}
    for provider in capabilities:
        for offer in known.offers.get(provider, ()):
            if (provider, offer.model) not in known.withdrawn:
                found.setdefault(offer.model, {})[provider] = offer
    return found


def _laid_over(offer: OfferEntry, known: KnownOffer | None, entry: ModelEntry) -> _Found:
    """Return what the settings say of an offer, and where they say nothing what is known of it."""
    if known is None:
        known_price, limits, features = None, (entry.context_length, entry.max_output_tokens), None
    else:
        known_price = known.price
        limits = (entry.context_length or known.context_length, entry.max_output_tokens or known.max_output_tokens)
        features = None if entry.features else known.features
    return _Found(
        id=offer.id or (known.id if known else None),
        price=offer.price,
        known_price=known_price,
        context_length=offer.context_length or limits[0],
        max_output_tokens=offer.max_output_tokens or limits[1],
        features=features if offer.features is None else offer.features,
    )


def _weight(price: Price) -> int:
    return 3 * price.input + price.output


def _price(entry: PriceEntry | None, key: str) -> Price | None:
    return None if entry is None else price_from_entry(entry, key)


def _unix_day(text: str | None, key: str) -> int:
    if text is None:
        return 0
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * 86_400
    except ValueError as err:
        raise ConfigurationError(f"{key}: not an ISO date: {text!r}") from err
