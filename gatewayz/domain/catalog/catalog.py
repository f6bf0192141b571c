"""The catalog: an immutable snapshot of every model that can be called now, found by any of its names.

A reload builds a new one and swaps it; a request keeps the one it started with. Finding a model is
one look-up in a dict; only names that are not in it are taken apart.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from typing import Final, Self

import msgspec

from gatewayz.domain.catalog.names import dashed, index_ids, index_native_names
from gatewayz.domain.catalog.suggestions import Suggester
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound, PricingMissing
from gatewayz.sdk.offers import Feature, Offer, Price

__all__ = ["MAX_NAME_LENGTH", "Catalog", "Model"]

MAX_NAME_LENGTH: Final = 256
"""Characters of a model name; longer ones are refused unread."""

_UNDATED: Final = re.compile(r"(?:[-@](?:20\d{6}|20\d\d-\d\d-\d\d)|-latest)$")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model that at least one configured provider serves at a known price."""

    id: str
    """Canonical: `vendor/name`."""
    name: str
    """For people."""
    offers: tuple[Offer, ...]
    """All of them priced, in the order to try."""
    description: str = ""
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: frozenset[Feature] = frozenset()
    modality: str = "text->text"
    created: int = 0
    """Unix seconds; 0 is unknown."""
    owned_by: str = ""
    default_output_tokens: int = 4096
    """Estimate of an answer's length when the call sets no limit."""

    is_media_only: bool = False
    """True where its offers price nothing but pictures, sound or read-out text."""

    @property
    def price(self) -> Price | None:
        """What lists show: the price of the offer that is tried first."""
        return self.offers[0].price if self.offers else None


class Catalog:
    """Every model by every name.

    :param models: the models that can be called.
    :param aliases: other names to canonical ids or to other aliases (one hop); compared without case.
    :param slugs: other names of provider instances.
    :param pinned: name prefixes that stay with the given providers (`openrouter/`), for names that
        carry a provider in front of a model's id.
    :param unpriced: ids of models that a configured provider serves at no known price.
    :param unserved: ids of models that no configured provider serves.
    """

    def __init__(
        self,
        models: Iterable[Model],
        *,
        aliases: Mapping[str, str] | None = None,
        slugs: Mapping[str, str] | None = None,
        pinned: Mapping[str, Collection[str]] | None = None,
        unpriced: Iterable[str] = (),
        unserved: Iterable[str] = (),
    ) -> None:
        self._models = tuple(sorted(models, key=lambda model: model.id))
        self._by_id = {model.id: model for model in self._models}
        self._providers = {offer.provider.lower(): offer.provider for model in self._models for offer in model.offers}
        self._slugs = {alias.lower(): name for alias, name in (slugs or {}).items()}
        self._pinned = {prefix.lower(): frozenset(names) for prefix, names in (pinned or {}).items()}
        aliases = {alias.lower(): target.lower() for alias, target in (aliases or {}).items()}
        self._unpriced = index_ids(unpriced, aliases)
        self._unserved = index_ids(unserved, aliases)
        ids = index_ids(self._by_id, aliases)
        self._names: dict[str, Model] = {name: self._by_id[found] for name, found in ids.items()}
        for name, (found, provider) in index_native_names(self._models).items():
            if name not in self._names:
                self._names[name] = self._lead_with(self._by_id[found], provider, name)
        self._suggester = Suggester(self._by_id, {alias: ids[alias] for alias in aliases if alias in ids})

    def resolve(self, requested: str, provider: str | None = None) -> Model:
        """Return the model a caller means, its offers restricted to `provider` when one is named.

        Raises ModelNotFound, PricingMissing, InvalidRequest.
        Source: spec 00 §8, §9.
        """
        model = self._names.get(requested)
        if model is None:
            model = self._resolve_unusual(requested)
        return model if provider is None else self._restrict(model, provider)

    def repriced(self, price_of: Callable[[Price], Price]) -> Self:
        """Return the same catalog with every offer at another price."""
        changed: dict[int, Model] = {}

        def model_of(model: Model) -> Model:
            """Return the one model of changed prices that stands for all uses of a model."""
            if id(model) not in changed:
                changed[id(model)] = _with_offers(model, tuple(_with_price(each, price_of) for each in model.offers))
            return changed[id(model)]

        other = copy(self)
        other._models = tuple(map(model_of, self._models))
        other._by_id = {name: model_of(model) for name, model in self._by_id.items()}
        other._names = {name: model_of(model) for name, model in self._names.items()}
        return other

    def find(self, model_id: str) -> Model | None:
        """Return the model of a canonical id."""
        return self._by_id.get(model_id)

    def models(self) -> tuple[Model, ...]:
        """Return every model, by id."""
        return self._models

    def providers(self) -> tuple[str, ...]:
        """Return the provider instances that serve at least one model, by name."""
        return tuple(sorted(self._providers.values()))

    def left_out(self) -> tuple[str, ...]:
        """Return the ids of models that are known and cannot be called: unserved or unpriced."""
        return tuple(sorted({*self._unpriced.values(), *self._unserved.values()}))

    def provider_named(self, name: str) -> str:
        """Return the instance that a caller's word for a provider means; the word itself when it is none."""
        lowered = name.strip().lower()
        lowered = self._slugs.get(lowered, lowered)
        return self._providers.get(lowered, lowered)

    def suggest(self, requested: str) -> tuple[str, ...]:
        """Return up to five canonical ids that look like a name, closest first."""
        return self._suggester.suggest(requested)

    def _resolve_unusual(self, requested: str) -> Model:
        """Try the forms that are not in the table: other case, provider in front, date at the end, dashes for dots."""
        name = requested.strip().lower()
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise InvalidRequest("'model' is not the name of a model", code="INVALID_MODEL_FORMAT", param="model")
        for form in _forms(name):
            if (model := self._names.get(form) or self._find_behind_provider(form)) is not None:
                return model
        raise self._refusal(requested, name)

    def _find_behind_provider(self, name: str) -> Model | None:
        slug, slash, rest = name.partition("/")
        if not slash or (model := self._names.get(rest)) is None:
            return None
        provider = self.provider_named(slug)
        if not any(offer.provider == provider for offer in model.offers):
            return None
        return self._lead_with(model, provider, name)

    def _lead_with(self, model: Model, provider: str | None, name: str) -> Model:
        """Return the model with a provider's offers first, and alone where the name is pinned to it."""
        for prefix, allowed in self._pinned.items():
            if name.startswith(prefix) and not model.id.startswith(prefix):
                kept = tuple(offer for offer in model.offers if offer.provider in allowed)
                return _with_offers(model, kept) if kept else model
        if provider is None or model.offers[0].provider == provider:
            return model
        return _with_offers(model, tuple(sorted(model.offers, key=lambda offer: offer.provider != provider)))

    def _restrict(self, model: Model, provider: str) -> Model:
        name = self.provider_named(provider)
        kept = tuple(offer for offer in model.offers if offer.provider == name)
        if kept:
            return _with_offers(model, kept)
        serving = list(dict.fromkeys(offer.provider for offer in model.offers))
        known = name in self._providers.values()
        raise InvalidRequest(
            f"provider {provider[:80]!r} does not serve {model.id!r}"
            if known
            else f"unknown provider {provider[:80]!r}",
            code="PROVIDER_MISMATCH",
            param="provider",
            context={
                "parameter_name": "provider",
                "parameter_value": provider[:80],
                "allowed_values": serving,
                "requested_model": model.id,
            },
            suggestions=[f"use one of: {', '.join(serving)}; or leave 'provider' out"],
        )

    def _refusal(self, requested: str, name: str) -> PricingMissing | ModelNotFound:
        context: dict[str, object] = {"requested_model": requested.strip()}
        for form in _forms(name):
            if form in self._unpriced:
                return PricingMissing(
                    f"model {self._unpriced[form]!r} has no explicit price, so it is not called",
                    param="model",
                    context=context,
                )
        suggested = self.suggest(name)
        context["suggested_models"] = list(suggested)
        advice = [f"did you mean {suggested[0]!r}?"] if suggested else []
        unserved = next((self._unserved[form] for form in _forms(name) if form in self._unserved), None)
        message = (
            f"model {requested.strip()!r} does not exist"
            if unserved is None
            else f"model {unserved!r} is known, but no configured provider serves it"
        )
        return ModelNotFound(
            message, param="model", context=context, suggestions=[*advice, "GET /v1/models lists every model"]
        )


def _forms(name: str) -> Iterable[str]:
    """Yield a name as it is, with dashes for dots, and both again without a date at its end."""
    yield name
    yield dashed(name)
    undated = _UNDATED.sub("", name)
    if undated != name:
        yield undated
        yield dashed(undated)


def _with_offers(model: Model, offers: tuple[Offer, ...]) -> Model:
    return msgspec.structs.replace(model, offers=offers)


def _with_price(offer: Offer, price_of: Callable[[Price], Price]) -> Offer:
    return offer if offer.price is None else msgspec.structs.replace(offer, price=price_of(offer.price))
