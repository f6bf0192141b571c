"""The model lists in two shapes. Nothing here calls a provider.

Source: spec 02 §1, §2; clients-on-the-wire 2 (both SDKs ask on the same path).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.areas.catalog.rows import Entry, Rows, entries_of
from gatewayz.areas.catalog.schema import AnthropicModel, AnthropicPage, DeveloperPage, ModelDetail, ModelPage
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.catalog.gateways import ALL, Gateways
from gatewayz.domain.catalog.search import SearchIndex
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound

__all__ = [
    "ANTHROPIC_LIMIT",
    "LIMIT",
    "MAX_LIMIT",
    "DeveloperQuery",
    "ListQuery",
    "ModelLists",
    "check_range",
    "wants_anthropic_shape",
]

MAX_LIMIT: Final = 10_000
"""1,000 is documented; older clients send up to this (spec 02 §2)."""
Word = Annotated[str, Meta(max_length=256)]
LIMIT: Final = 100
ANTHROPIC_LIMIT: Final = 20


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /v1/models` is asked. Ranges are checked by the pages: the two shapes differ in them."""

    limit: int | None = None
    offset: int = 0
    provider: Word | None = None
    """Keep models that this gateway serves, as it serves them; a word that is no gateway with models means a maker."""
    gateway: Word | None = None
    """Keep what this gateway serves, at its prices."""
    is_private: bool | None = None
    """Keep entries of gateways that are private, or are not."""
    unique_models: bool = True
    """Each model once; else once for each gateway."""
    include_huggingface: bool = False
    """With the figures of the model hub, for at most 100 models."""
    after_id: Word | None = None
    """Of Anthropic's shape, as the next one."""
    before_id: Word | None = None


class DeveloperQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /v1/models/{developer}` is asked."""

    limit: int | None = None
    offset: int = 0
    gateway: Word | None = None
    include_huggingface: bool | None = None
    """With the figures of the model hub, for at most 100 models; a single model has them unless this is false."""


def wants_anthropic_shape(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether the caller is an Anthropic client: all of them, and only they, name the version of that API."""
    return any(name == b"anthropic-version" for name, _ in headers)


class ModelLists:
    """Every model of one catalog, as lists show it."""

    def __init__(
        self,
        catalog: Catalog,
        gateways: Gateways,
        traffic: TrafficView,
        clock: Clock,
        scores: Mapping[str, dict[str, float]] | None = None,
    ) -> None:
        self.catalog = catalog
        self.gateways = gateways
        self.traffic = traffic
        self.rows = Rows(catalog, gateways, traffic, clock, scores)
        self._models = catalog.models()

    @cached_property
    def index(self) -> SearchIndex:
        """Finds models by their texts."""
        return SearchIndex(self._models)

    @cached_property
    def _anthropic(self) -> tuple[msgspec.Raw, ...]:
        return tuple(msgspec.Raw(msgspec.json.encode(_anthropic(model))) for model in self._models)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {model.id: place for place, model in enumerate(self._models)}

    def entries(
        self, gateway: str | None = None, *, is_unique: bool = True, is_private: bool | None = None
    ) -> Iterator[Entry]:
        """Yield the models at one instance; or each model once, at the gateway tried first; or every entry.

        :param is_private: only gateways that are private, or are not.
        """
        if gateway is not None:
            for model in self._models:
                offer = next((offer for offer in model.offers if offer.provider == gateway), None)
                if offer is not None and self.fits(Entry(model, offer), is_private):
                    yield Entry(model, offer)
        elif is_unique and is_private is None:
            yield from self.rows.primary
        else:
            for model in self._models:
                fitting = [entry for entry in entries_of(model) if self.fits(entry, is_private)]
                yield from fitting[:1] if is_unique else fitting

    def fits(self, entry: Entry, is_private: bool | None) -> bool:
        """Tell whether an entry is as private as asked."""
        return is_private is None or self.gateways.is_private(entry.offer.provider) == is_private

    def openai_page(self, asked: ListQuery) -> ModelPage:
        """Return `GET /v1/models` in OpenAI's shape.

        Raises InvalidRequest for a limit, an offset or a gateway out of range.
        """
        limit, offset = _window(asked.limit, asked.offset)
        entries = list(self._kept(asked))
        page = entries[offset : offset + limit]
        end = offset + len(page)
        return ModelPage(
            data=tuple(self.rows.raw(entry) for entry in page),
            total=len(entries),
            returned=len(page),
            offset=offset,
            limit=limit,
            has_more=end < len(entries),
            next_offset=end if end < len(entries) else None,
            gateway=asked.gateway or ALL,
            timestamp="",
        )

    def developer_page(self, developer: str, asked: DeveloperQuery) -> DeveloperPage:
        """Return `GET /v1/models/{developer}`: the models whose id begins with it, none for one nobody knows."""
        limit, offset = _window(asked.limit, asked.offset)
        maker, gateway = developer.strip().lower(), self.gateways.chosen(asked.gateway)
        entries = [entry for entry in self.entries(gateway) if entry.model.owned_by == maker]
        page = entries[offset : offset + limit]
        return DeveloperPage(
            developer=developer,
            models=tuple(self.rows.raw(entry) for entry in page),
            total=len(entries),
            count=len(page),
            offset=offset,
            limit=limit,
            gateway=asked.gateway or ALL,
            timestamp="",
        )

    def is_developer(self, name: str) -> bool:
        """Tell whether models of a maker with this name are in the list."""
        maker = name.strip().lower()
        return any(model.owned_by == maker for model in self._models)

    def anthropic_page(
        self, limit: int = ANTHROPIC_LIMIT, after_id: str | None = None, before_id: str | None = None
    ) -> AnthropicPage:
        """Return `GET /v1/models` in Anthropic's shape. Raises InvalidRequest for a limit or cursor that is wrong."""
        check_range("limit", limit, 1, 1000)
        if before_id is not None:
            end = self._place("before_id", before_id)
            start = max(0, end - limit)
            has_more = start > 0
        else:
            start = 0 if after_id is None else self._place("after_id", after_id) + 1
            end = min(len(self._models), start + limit)
            has_more = end < len(self._models)
        shown = self._models[start:end]
        return AnthropicPage(
            data=self._anthropic[start:end],
            has_more=has_more,
            first_id=shown[0].id if shown else None,
            last_id=shown[-1].id if shown else None,
        )

    def openai_model(self, name: str, *, gateway: str | None = None, metrics: Any = msgspec.UNSET) -> ModelDetail:
        """Return `GET /v1/models/{id}`, by any name of the model.

        :param metrics: what the model hub says of it, where that was asked for.
        Raises ModelNotFound; InvalidRequest for an unknown gateway.
        """
        model, entry = self.find(name, gateway)
        shown = msgspec.structs.replace(self.rows.object(entry), huggingface_metrics=metrics)
        return ModelDetail(
            **msgspec.structs.asdict(shown),
            data=shown,
            provider=model.owned_by,
            model=model.id.partition("/")[2],
            gateway=gateway,
            include_huggingface=metrics is not msgspec.UNSET,
            timestamp="",
        )

    def anthropic_model(self, name: str) -> msgspec.Raw:
        """Return the same in Anthropic's shape. Raises ModelNotFound."""
        return self._anthropic[self._places[self.catalog.resolve(name).id]]

    def find(self, name: str, gateway: str | None = None) -> tuple[Model, Entry]:
        """Return the model of any name, and its entry at a gateway (the first one tried when none is named).

        Raises ModelNotFound also when the gateway does not serve it; InvalidRequest for an unknown gateway.
        """
        instance = self.gateways.chosen(gateway)
        model = self.catalog.resolve(name)
        if instance is None:
            return model, Entry(model, model.offers[0])
        serving = [entry.offer.provider for entry in entries_of(model)]
        for entry in entries_of(model):
            if entry.offer.provider == instance:
                return model, entry
        raise ModelNotFound(
            f"model {model.id!r} is not served by {instance!r}",
            param="gateway",
            context={"requested_model": model.id, "parameter_name": "gateway", "allowed_values": serving},
            suggestions=[f"use one of: {', '.join(serving)}; or leave 'gateway' out"],
        )

    def _kept(self, asked: ListQuery) -> Iterator[Entry]:
        gateway = self.gateways.chosen(asked.gateway)
        entries = self.entries(gateway, is_unique=asked.unique_models, is_private=asked.is_private)
        if asked.provider and gateway is not None:
            entries = (entry for entry in entries if self.gateways.is_of(entry.model, asked.provider or ""))
        elif asked.provider:
            entries = self._of_provider(asked.provider, entries, is_unique=asked.unique_models)
        return (entry for entry in entries if self.fits(entry, asked.is_private))

    def _of_provider(self, provider: str, entries: Iterable[Entry], *, is_unique: bool) -> Iterator[Entry]:
        """Yield what the instance serves, as it serves it; or what the maker has made."""
        instance, maker = self.gateways.meant(provider)
        for entry in entries:
            if entry.offer.provider == instance:
                yield entry
                continue
            offers = entry.model.offers if is_unique else ()
            offer = next((offer for offer in offers if offer.provider == instance), None)
            if offer is not None:
                yield Entry(entry.model, offer)
            elif entry.model.owned_by == maker:
                yield entry

    def _place(self, parameter: str, model_id: str) -> int:
        place = self._places.get(model_id)
        if place is None:
            raise InvalidRequest(f"{parameter!r} is not the id of a model in the list", param=parameter)
        return place


def _anthropic(model: Model) -> AnthropicModel:
    return AnthropicModel(
        id=model.id,
        display_name=model.name,
        created_at=datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        max_input_tokens=model.context_length,
        max_tokens=model.max_output_tokens,
    )


def _window(limit: int | None, offset: int) -> tuple[int, int]:
    """Return limit and offset. Raises InvalidRequest when one is out of range."""
    limit = LIMIT if limit is None else limit
    check_range("limit", limit, 1, MAX_LIMIT)
    check_range("offset", offset, 0, None)
    return limit, offset


def check_range(parameter: str, value: int, low: int, high: int | None) -> None:
    """Raise InvalidRequest when a parameter is out of range."""
    if value < low or (high is not None and value > high):
        bound = f"at least {low}" if high is None else f"between {low} and {high}"
        raise InvalidRequest(
            f"{parameter!r} is {bound}",
            code="PARAMETER_OUT_OF_RANGE",
            param=parameter,
            context={"parameter_name": parameter, "parameter_value": value, "min_value": low, "max_value": high},
        )
