"""`/v1/models/search` and `/v1/models/unique`: models found, filtered, sorted. Source: spec 02 §2 (4.1.3, 4.1.4)."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.areas.catalog.rows import Entry, entries_of
from gatewayz.areas.catalog.schema import ModelReport, ProviderOffer, UniqueModel, UniquePage
from gatewayz.areas.catalog.service import ModelLists
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.catalog.gateways import ALL
from gatewayz.domain.catalog.search import Match

__all__ = ["SearchQuery", "UniqueQuery", "report", "search", "unique_page"]

Order = Literal["asc", "desc"]
_PER_TOKEN: Final = 10**15
"""Dollars per token to nano-dollars per million tokens."""


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. Prices are US dollars per prompt token, as `pricing.prompt` shows them."""

    q: Annotated[str, Meta(max_length=256)] = ""
    modality: str | None = None
    is_private: bool | None = None
    min_context: Annotated[int, Meta(ge=0)] | None = None
    max_context: Annotated[int, Meta(ge=0)] | None = None
    min_price: Annotated[float, Meta(ge=0)] | None = None
    max_price: Annotated[float, Meta(ge=0)] | None = None
    gateway: str | None = None
    sort_by: Literal["price", "context", "popularity", "name"] | None = None
    """How well they fit, then popularity, where it is left out."""
    order: Order | None = None
    """Cheapest, longest, most used, or first of the alphabet first, where it is left out."""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0)] = 0


class UniqueQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which models, each once with all its gateways."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0
    min_providers: Annotated[int, Meta(ge=1)] | None = None
    sort_by: Literal["provider_count", "name", "cheapest_price"] = "provider_count"
    order: Order = "desc"
    include_inactive: bool = False


def search(lists: ModelLists, query: SearchQuery) -> dict[str, Any]:
    """Return `GET /v1/models/search`. Raises InvalidRequest for an unknown gateway."""
    matches = lists.index.find(query.q)
    entries = [
        entry
        for entry in lists.entries(lists.gateways.chosen(query.gateway), is_private=query.is_private)
        if entry.model.id in matches and _fits(entry, query)
    ]
    _sort(entries, query, matches, _popularity(lists))
    page = entries[query.offset : query.offset + query.limit]
    filters = {
        name: value
        for name, value in msgspec.structs.asdict(query).items()
        if value not in (None, "") and name not in ("limit", "offset")
    }
    meta = {
        "total": len(entries),
        "limit": query.limit,
        "offset": query.offset,
        "returned": len(page),
        "filters_applied": filters,
    }
    return {"success": True, "data": [lists.rows.raw(entry) for entry in page], "meta": meta}


def unique_page(lists: ModelLists, query: UniqueQuery) -> UniquePage:
    """Return `GET /v1/models/unique`: what each gateway asks for the same model."""
    models = [model for model in lists.catalog.models() if len(_providers(model)) >= (query.min_providers or 1)]
    models.sort(key=lambda model: model.id)
    models.sort(key=_UNIQUE_KEYS[query.sort_by], reverse=query.order == "desc")
    shown: list[UniqueModel] = [_unique(lists, model) for model in models[query.offset : query.offset + query.limit]]
    total = len(models)
    if query.include_inactive and not query.min_providers:
        left = lists.catalog.left_out()
        room = max(0, query.limit - len(shown))
        start = max(0, query.offset - total)
        shown += [UniqueModel(id=model_id, name=model_id, is_active=False) for model_id in left[start : start + room]]
        total += len(left)
    return UniquePage(
        models=tuple(shown),
        total=total,
        limit=query.limit,
        offset=query.offset,
        filters={"min_providers": query.min_providers, "include_inactive": query.include_inactive},
        sort={"sort_by": query.sort_by, "order": query.order},
        timestamp="",
    )


def report(lists: ModelLists, name: str, gateway: str | None, *, metrics: Any = msgspec.UNSET) -> ModelReport:
    """Return `GET /api/models/detail`.

    :param metrics: what the model hub says of it, where that was asked for.
    Raises ModelNotFound; InvalidRequest for an unknown gateway.
    """
    model, entry = lists.find(name, gateway)
    return ModelReport(
        data=msgspec.structs.replace(lists.rows.object(entry), huggingface_metrics=metrics),
        providers=tuple(provider_offers(lists, model)),
        provider=model.owned_by,
        model=model.id.partition("/")[2],
        gateway=gateway or ALL,
        include_huggingface=metrics is not msgspec.UNSET,
        timestamp="",
    )


def provider_offers(lists: ModelLists, model: Model) -> list[ProviderOffer]:
    """Return what each gateway offers of a model, in the order to try."""
    return [_provider_offer(lists, entry) for entry in entries_of(model)]


def _fits(entry: Entry, query: SearchQuery) -> bool:
    known, price = entry.offer.context_length, entry.price.input
    context = known or 0
    return (
        (query.modality is None or _has_modality(entry.model.modality, query.modality))
        and (query.min_context is None or context >= query.min_context)
        and (query.max_context is None or (known is not None and context <= query.max_context))
        and (query.min_price is None or price >= query.min_price * _PER_TOKEN)
        and (query.max_price is None or price <= query.max_price * _PER_TOKEN)
    )


def _has_modality(modality: str, wanted: str) -> bool:
    """Tell whether a modality is the one wanted (`text+image->text`), or has what one word names (`image`) in it."""
    lowered = wanted.strip().lower()
    return lowered == modality or lowered in modality.replace("->", "+").split("+")


def _popularity(lists: ModelLists) -> Counter[str]:
    """Return the requests each model had in the last hour."""
    counts: Counter[str] = Counter()
    for traffic in lists.traffic.recent():
        counts[traffic.model] += traffic.requests
    return counts


def _sort(entries: list[Entry], query: SearchQuery, matches: dict[str, Match], popularity: Counter[str]) -> None:
    """Sort by how well they fit, how much they are used, and their id; by `sort_by` before all of these."""
    entries.sort(key=lambda entry: (matches[entry.model.id], -popularity[entry.model.id], entry.model.id))
    if query.sort_by is None:
        if query.order == "desc":
            entries.reverse()
        return
    keys: dict[str, Callable[[Entry], Any]] = {
        "price": lambda entry: (entry.price.input, entry.price.output),
        "context": lambda entry: entry.offer.context_length or 0,
        "popularity": lambda entry: popularity[entry.model.id],
        "name": lambda entry: entry.model.name.lower(),
    }
    natural = "desc" if query.sort_by in ("context", "popularity") else "asc"
    entries.sort(key=keys[query.sort_by], reverse=(query.order or natural) == "desc")
    if query.sort_by == "context":
        entries.sort(key=lambda entry: entry.offer.context_length is None)  # unknown is neither short nor long


def _providers(model: Model) -> frozenset[str]:
    return frozenset(offer.provider for offer in model.offers)


def _cheapest(entries: Iterable[Entry]) -> Entry:
    return min(entries, key=lambda entry: (entry.price.input, entry.price.output))


_UNIQUE_KEYS: Final[dict[str, Callable[[Model], Any]]] = {
    "provider_count": lambda model: len(_providers(model)),
    "name": lambda model: model.name.lower(),
    "cheapest_price": lambda model: _cheapest(entries_of(model)).price.input,
}


def _unique(lists: ModelLists, model: Model) -> UniqueModel:
    offers = provider_offers(lists, model)
    cheapest = _provider_offer(lists, _cheapest(entries_of(model)))
    timed = [offer for offer in offers if offer.average_response_time_ms is not None]
    fastest = min(timed, key=lambda offer: offer.average_response_time_ms or 0.0, default=None)
    return UniqueModel(
        id=model.id,
        name=model.name,
        providers=tuple(offers),
        provider_count=len(offers),
        cheapest_provider=cheapest.slug,
        cheapest_prompt_price=cheapest.pricing.prompt,
        fastest_provider=fastest.slug if fastest else None,
        fastest_response_time=fastest.average_response_time_ms if fastest else None,
    )


def _provider_offer(lists: ModelLists, entry: Entry) -> ProviderOffer:
    shown = lists.rows.object(entry)
    return ProviderOffer(
        slug=shown.provider_slug,
        name=lists.gateways.display(shown.provider_slug).name,
        pricing=shown.pricing,
        context_length=shown.context_length,
        health_status=shown.health_status,
        average_response_time_ms=shown.average_response_time_ms,
        modality=shown.modality,
        supports_streaming=shown.supports_streaming,
        supports_function_calling=shown.supports_function_calling,
        supports_vision=shown.supports_vision,
        description=shown.description,
        model_name=entry.offer.upstream_model,
    )
