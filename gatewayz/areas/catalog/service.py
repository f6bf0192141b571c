"""The model lists in two shapes, encoded once for each catalog. Nothing here calls a provider.

Source: spec 02 §1, §2; clients-on-the-wire 2 (both SDKs ask on the same path).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from gatewayz.areas.catalog.schema import (
    AnthropicModel,
    AnthropicPage,
    ModelDetail,
    ModelObject,
    ModelPage,
    Pricing,
)
from gatewayz.config.sections.providers import Display
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.sdk.errors import InvalidRequest, PricingMissing
from gatewayz.sdk.money import usd_text
from gatewayz.sdk.offers import Offer, Price

__all__ = ["MAX_LIMIT", "Listing", "ModelLists", "model_lists", "wants_anthropic_shape"]

MAX_LIMIT: Final = 10_000
"""1,000 is documented; older clients send up to this (spec 02 §2)."""
DEFAULT_LIMIT: Final = 100
ANTHROPIC_DEFAULT_LIMIT: Final = 20

_PER_TOKEN: Final = -15
"""Nano-dollars per million tokens to dollars per token, as a decimal exponent."""


class Listing(NamedTuple):
    """An encoded answer and the tag that changes when its content does."""

    body: bytes
    etag: str


def wants_anthropic_shape(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether the caller is an Anthropic client: all of them, and only they, name the version of that API."""
    return any(name == b"anthropic-version" for name, _ in headers)


def model_lists(catalog: Catalog, displays: Mapping[str, Display] | None = None) -> "ModelLists":
    """Return the lists of a catalog, made once for each snapshot.

    :param displays: provider instance to how it is shown.
    """
    found = _LISTS.get(catalog)
    if found is None:
        found = _LISTS[catalog] = ModelLists(catalog, displays or {})
    return found


_LISTS: Final[WeakKeyDictionary[Catalog, "ModelLists"]] = WeakKeyDictionary()


class ModelLists:
    """Every model of one catalog as JSON."""

    def __init__(self, catalog: Catalog, displays: Mapping[str, Display]) -> None:
        self._catalog = catalog
        self._displays = displays
        self._models = catalog.models()
        self._encoded = tuple(msgspec.Raw(_encode(self._object(model, model.offers[0]))) for model in self._models)
        self._anthropic = tuple(msgspec.Raw(_encode(_anthropic(model))) for model in self._models)
        self._places = {model.id: place for place, model in enumerate(self._models)}
        self._digest = blake2b(b"".join(bytes(each) for each in self._encoded), digest_size=8).hexdigest()

    def openai_page(
        self,
        *,
        now: datetime,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
        provider: str | None = None,
        gateway: str = "all",
    ) -> Listing:
        """Return `GET /v1/models` in OpenAI's shape.

        :param provider: keep models that this instance serves, or whose id begins with it.
        :param gateway: keep what this instance serves, at its prices; `all` for everything.
        Raises InvalidRequest for a limit, an offset or a gateway out of range.
        """
        _check_range("limit", limit, 1, MAX_LIMIT)
        _check_range("offset", offset, 0, None)
        rows = self._rows(provider, gateway)
        page = rows[offset : offset + limit]
        end = offset + len(page)
        body = _encode(
            ModelPage(
                data=tuple(page),
                total=len(rows),
                returned=len(page),
                offset=offset,
                limit=limit,
                has_more=end < len(rows),
                next_offset=end if end < len(rows) else None,
                gateway=gateway,
                timestamp=_iso(now),
            )
        )
        return Listing(body, self._etag("openai", limit, offset, provider, gateway))

    def anthropic_page(
        self, *, limit: int = ANTHROPIC_DEFAULT_LIMIT, after_id: str | None = None, before_id: str | None = None
    ) -> Listing:
        """Return `GET /v1/models` in Anthropic's shape. Raises InvalidRequest for a limit or cursor that is wrong."""
        _check_range("limit", limit, 1, 1000)
        if before_id is not None:
            end = self._place("before_id", before_id)
            start = max(0, end - limit)
            has_more = start > 0
        else:
            start = 0 if after_id is None else self._place("after_id", after_id) + 1
            end = min(len(self._models), start + limit)
            has_more = end < len(self._models)
        shown = self._models[start:end]
        page = AnthropicPage(
            data=self._anthropic[start:end],
            has_more=has_more,
            first_id=shown[0].id if shown else None,
            last_id=shown[-1].id if shown else None,
        )
        return Listing(_encode(page), self._etag("anthropic", limit, after_id, before_id))

    def openai_model(self, name: str, *, now: datetime, gateway: str | None = None) -> Listing:
        """Return `GET /v1/models/{id}`, by any name of the model.

        Raises ModelNotFound; InvalidRequest when `gateway` does not serve it.
        """
        model = self._resolve(name, gateway)
        shown = self._object(model, model.offers[0])
        detail = ModelDetail(
            **msgspec.structs.asdict(shown),
            data=shown,
            provider=model.owned_by,
            model=model.id.partition("/")[2],
            gateway=gateway,
            timestamp=_iso(now),
        )
        return Listing(_encode(detail), self._etag(model.id, gateway))

    def anthropic_model(self, name: str) -> Listing:
        """Return the same in Anthropic's shape. Raises ModelNotFound."""
        model = self._resolve(name, None)
        return Listing(bytes(self._anthropic[self._places[model.id]]), self._etag("anthropic", model.id))

    def _resolve(self, name: str, gateway: str | None) -> Model:
        return self._catalog.resolve(name, None if gateway in (None, "", "all") else gateway)

    def _rows(self, provider: str | None, gateway: str) -> tuple[msgspec.Raw, ...]:
        if gateway in ("", "all"):
            if not provider:
                return self._encoded
            return tuple(
                row for model, row in zip(self._models, self._encoded, strict=True) if self._is_of(model, provider)
            )
        instance = self._instance(gateway)
        return tuple(
            msgspec.Raw(_encode(self._object(model, offer)))
            for model in self._models
            if (not provider or self._is_of(model, provider))
            and (offer := next((offer for offer in model.offers if offer.provider == instance), None))
        )

    def _is_of(self, model: Model, provider: str) -> bool:
        instance = self._catalog.provider_named(provider)
        return model.owned_by == provider.strip().lower() or any(offer.provider == instance for offer in model.offers)

    def _instance(self, gateway: str) -> str:
        """Return the instance a word means; known ones without models are served nothing, others are refused."""
        instance = self._catalog.provider_named(gateway)
        known = (*self._catalog.providers(), *self._displays)
        if instance not in known:
            names = sorted({"all", *known})
            raise InvalidRequest(
                f"unknown gateway {gateway[:80]!r}",
                param="gateway",
                context={"parameter_name": "gateway", "parameter_value": gateway[:80], "allowed_values": names},
                suggestions=[f"use one of: {', '.join(names)}"],
            )
        return instance

    def _place(self, parameter: str, model_id: str) -> int:
        place = self._places.get(model_id)
        if place is None:
            raise InvalidRequest(f"{parameter!r} is not the id of a model in the list", param=parameter)
        return place

    def _object(self, model: Model, offer: Offer) -> ModelObject:
        display = self._displays.get(offer.provider)
        return ModelObject(
            id=model.id,
            created=model.created,
            owned_by=model.owned_by,
            name=model.name,
            provider_slug=offer.provider,
            source_gateway=offer.provider,
            context_length=offer.context_length,
            max_output_tokens=offer.max_output_tokens,
            pricing=_pricing(_price_of(model, offer)),
            description=model.description or f"{model.name} by {model.owned_by}",
            modality=model.modality,
            provider_site_url=f"https://{display.site}" if display and display.site else None,
            supports_streaming=model.modality.endswith("->text"),
            supports_function_calling="tools" in offer.features,
            supports_vision="vision" in offer.features,
            supported_features=tuple(sorted(offer.features)),
            providers=tuple(dict.fromkeys(each.provider for each in model.offers)),
        )

    def _etag(self, *parts: object) -> str:
        """Return a weak tag: the time in the body differs from answer to answer."""
        query = blake2b(repr(parts).encode(errors="replace"), digest_size=4).hexdigest()
        return f'W/"{self._digest}-{query}"'


def _price_of(model: Model, offer: Offer) -> Price:
    if offer.price is None:
        raise PricingMissing(f"model {model.id!r} has no price at {offer.provider!r}", param="model")
    return offer.price


def _pricing(price: Price) -> Pricing:
    return Pricing(
        prompt=_per_token(price.input),
        completion=_per_token(price.output),
        image=None if price.image is None else usd_text(price.image),
        request=usd_text(price.request) if price.request else None,
        input_cache_read=None if price.cache_read is None else _per_token(price.cache_read),
        input_cache_write=None if price.cache_write_5m is None else _per_token(price.cache_write_5m),
    )


def _per_token(rate: int) -> str:
    return f"{Decimal(rate).scaleb(_PER_TOKEN).normalize():f}"


def _anthropic(model: Model) -> AnthropicModel:
    return AnthropicModel(
        id=model.id,
        display_name=model.name,
        created_at=_iso(datetime.fromtimestamp(model.created, UTC)),
        max_input_tokens=model.context_length,
        max_tokens=model.max_output_tokens,
    )


def _check_range(parameter: str, value: int, low: int, high: int | None) -> None:
    if value < low or (high is not None and value > high):
        bound = f"at least {low}" if high is None else f"between {low} and {high}"
        raise InvalidRequest(
            f"{parameter!r} is {bound}",
            code="PARAMETER_OUT_OF_RANGE",
            param=parameter,
            context={"parameter_name": parameter, "parameter_value": value, "min_value": low, "max_value": high},
        )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)
