"""The model lists in two shapes. Nothing here calls a provider.

Source: spec 02 §1, §2; clients-on-the-wire 2 (both SDKs ask on the same path).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from gatewayz.areas.catalog.rows import Entry, Rows, entries_of
from gatewayz.areas.catalog.schema import AnthropicModel, AnthropicPage, DeveloperPage, ModelDetail, ModelPage
from gatewayz.config.sections.providers import ProviderEntry
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.catalog.gateways import ALL, Gateways
from gatewayz.domain.catalog.search import SearchIndex
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound

__all__ = ["MAX_LIMIT", "ModelLists", "check_range", "model_lists", "wants_anthropic_shape"]

MAX_LIMIT: Final = 10_000
"""1,000 is documented; older clients send up to this (spec 02 §2)."""
DEFAULT_LIMIT: Final = 100
ANTHROPIC_DEFAULT_LIMIT: Final = 20


def wants_anthropic_shape(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether the caller is an Anthropic client: all of them, and only they, name the version of that API."""
    return any(name == b"anthropic-version" for name, _ in headers)


def model_lists(
    catalog: Catalog, providers: dict[str, ProviderEntry], traffic: TrafficView, clock: Clock
) -> "ModelLists":
    """Return the lists of a catalog, made once for each snapshot and brought up to date with traffic."""
    found = _LISTS.get(catalog)
    if found is None:
        found = _LISTS[catalog] = ModelLists(catalog, Gateways(providers, catalog), traffic, clock)
    found.rows.refresh()
    return found


_LISTS: Final[WeakKeyDictionary[Catalog, "ModelLists"]] = WeakKeyDictionary()


class ModelLists:
    """Every model of one catalog, as lists show it."""

    def __init__(self, catalog: Catalog, gateways: Gateways, traffic: TrafficView, clock: Clock) -> None:
        self.catalog = catalog
        self.gateways = gateways
        self.traffic = traffic
        self.rows = Rows(catalog, gateways, traffic, clock)
        self.index = SearchIndex(catalog.models())
        self._models = catalog.models()
        self._anthropic = tuple(msgspec.Raw(msgspec.json.encode(_anthropic(model))) for model in self._models)
        self._places = {model.id: place for place, model in enumerate(self._models)}

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

    def openai_page(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
        provider: str | None = None,
        gateway: str | None = None,
        is_private: bool | None = None,
        unique_models: bool = True,
    ) -> ModelPage:
        """Return `GET /v1/models` in OpenAI's shape.

        :param provider: keep models that this instance serves, as it serves them; or, for a word that is no gateway
            with models, those whose id begins with it.
        :param gateway: keep what this instance serves, at its prices.
        :param is_private: keep entries of gateways that are private, or are not.
        :param unique_models: each model once; else once for each gateway.
        Raises InvalidRequest for a limit, an offset or a gateway out of range.
        """
        check_range("limit", limit, 1, MAX_LIMIT)
        check_range("offset", offset, 0, None)
        entries = list(self._kept(provider, self.gateways.chosen(gateway), is_private, unique_models))
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
            gateway=gateway or ALL,
            timestamp="",
        )

    def developer_page(
        self, developer: str, *, limit: int = DEFAULT_LIMIT, offset: int = 0, gateway: str | None = None
    ) -> DeveloperPage:
        """Return `GET /v1/models/{developer}`: the models whose id begins with it, none for one nobody knows."""
        check_range("limit", limit, 1, MAX_LIMIT)
        check_range("offset", offset, 0, None)
        maker = developer.strip().lower()
        entries = [entry for entry in self.entries(self.gateways.chosen(gateway)) if entry.model.owned_by == maker]
        page = entries[offset : offset + limit]
        return DeveloperPage(
            developer=developer,
            models=tuple(self.rows.raw(entry) for entry in page),
            total=len(entries),
            count=len(page),
            offset=offset,
            limit=limit,
            gateway=gateway or ALL,
            timestamp="",
        )

    def is_developer(self, name: str) -> bool:
        """Tell whether models of a maker with this name are in the list."""
        maker = name.strip().lower()
        return any(model.owned_by == maker for model in self._models)

    def anthropic_page(
        self, *, limit: int = ANTHROPIC_DEFAULT_LIMIT, after_id: str | None = None, before_id: str | None = None
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

    def openai_model(self, name: str, *, gateway: str | None = None) -> ModelDetail:
        """Return `GET /v1/models/{id}`, by any name of the model.

        Raises ModelNotFound; InvalidRequest for an unknown gateway.
        """
        model, entry = self.find(name, gateway)
        shown = self.rows.object(entry)
        return ModelDetail(
            **msgspec.structs.asdict(shown),
            data=shown,
            provider=model.owned_by,
            model=model.id.partition("/")[2],
            gateway=gateway,
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

    def _kept(
        self, provider: str | None, gateway: str | None, is_private: bool | None, unique_models: bool
    ) -> Iterator[Entry]:
        entries = self.entries(gateway, is_unique=unique_models, is_private=is_private)
        if provider and gateway is not None:
            entries = (entry for entry in entries if self.gateways.is_of(entry.model, provider))
        elif provider:
            entries = self._of_provider(provider, entries, is_unique=unique_models)
        return (entry for entry in entries if self.fits(entry, is_private))

    def _of_provider(self, provider: str, entries: Iterable[Entry], *, is_unique: bool) -> Iterator[Entry]:
        """Yield what the instance serves, as it serves it; or what the maker has made."""
        instance, maker = self.gateways.meant(provider)
        for entry in entries:
            own = entry if entry.offer.provider == instance else None
            if own is None and is_unique:
                own = next((each for each in entries_of(entry.model) if each.offer.provider == instance), None)
            if own is not None or entry.model.owned_by == maker:
                yield own or entry

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
