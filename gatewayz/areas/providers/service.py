"""Providers: who makes models, and who serves them, under one name. Source: spec 02 §2 (4.3.1-4.3.3).

A word for a provider means the gateway of that name where it serves models, else the maker, as for `/v1/models`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import ALL, Gateways
from gatewayz.domain.observation.figures import TimeRange, figures, served, start_of
from gatewayz.domain.observation.totals import by_model
from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import usd_float

__all__ = ["ListQuery", "Providers", "StatsQuery", "TopQuery"]

_BREAKDOWN: Final = 100
"""Models that stats name, those with most requests."""


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which providers."""

    moderated_only: bool = False
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0
    gateway: str | None = None


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which traffic."""

    gateway: str | None = None
    time_range: TimeRange = "24h"


class TopQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How many models, over which time."""

    limit: Annotated[int, Meta(ge=1, le=20)] = 5
    time_range: TimeRange = "24h"


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and through which gateways its models are to be had."""

    slug: str
    name: str
    site_url: str | None
    logo_url: str | None
    moderated_by_openrouter: bool | None = None
    """Not known to this gateway."""
    source_gateway: str
    """The one with most of them."""
    source_gateways: tuple[str, ...]
    model_count: int


class Providers:
    """Answers of one moment.

    :param view: what was observed of traffic.
    """

    def __init__(self, catalog: Catalog, gateways: Gateways, view: TrafficView, now: datetime) -> None:
        self._catalog = catalog
        self._gateways = gateways
        self._view = view
        self._now = now

    def list(self, query: ListQuery) -> dict[str, Any]:
        """Return `GET /v1/provider`, those with most models first. Raises InvalidRequest for an unknown gateway."""
        rows = self._rows(self._gateways.chosen(query.gateway))
        if query.moderated_only:
            rows = [row for row in rows if row.moderated_by_openrouter]
        page = rows[query.offset : query.offset + query.limit]
        return {
            "data": page,
            "total": len(rows),
            "returned": len(page),
            "offset": query.offset,
            "limit": query.limit,
            "gateway": query.gateway or ALL,
        }

    async def stats(self, name: str, query: StatsQuery) -> dict[str, Any]:
        """Return `GET /v1/provider/{name}/stats`; zeros without traffic.

        Raises ResourceNotFound for a provider nobody knows, InvalidRequest for an unknown gateway, StoreUnavailable.
        """
        parts = await self._parts(name, self._gateways.chosen(query.gateway), query.time_range)
        models = _by_requests(parts)
        data = {
            "provider": name,
            "gateway": query.gateway or ALL,
            "time_range": query.time_range,
            **msgspec.structs.asdict(figures(parts)),
            "top_model": models[0].model if models else None,
            "model_breakdown": [_model_row(each) for each in models[:_BREAKDOWN]],
        }
        return {"success": True, "data": data}

    async def top_models(self, name: str, query: TopQuery) -> dict[str, Any]:
        """Return `GET /v1/provider/{name}/top-models`. Raises ResourceNotFound, StoreUnavailable."""
        models = _by_requests(await self._parts(name, None, query.time_range))
        page = models[: query.limit]
        return {
            "success": True,
            "provider": name,
            "data": [_model_row(each) for each in page],
            "count": len(page),
            "time_range": query.time_range,
            "pagination": {
                "limit": query.limit,
                "offset": 0,
                "total": len(models),
                "has_more": len(models) > len(page),
            },
        }

    def _rows(self, gateway: str | None) -> Sequence[ProviderRow]:
        """Return a row for each maker and each instance, of what one gateway serves or all."""
        sources: dict[str, Counter[str]] = {}
        for name in self._gateways.known() if gateway is None else (gateway,):
            sources[name] = Counter()
        models: Counter[str] = Counter()
        for model in self._catalog.models():
            serving = {offer.provider for offer in model.offers if gateway in (None, offer.provider)}
            if serving:
                models.update({model.owned_by, *serving} if self._is_maker(model.owned_by) else serving)
                sources.setdefault(model.owned_by, Counter()).update(serving)
                for name in serving - {model.owned_by}:
                    sources.setdefault(name, Counter())[name] += 1
        rows = [_row(self._gateways, name, found, models[name]) for name, found in sources.items()]
        return sorted(rows, key=lambda row: (-row.model_count, row.slug))

    def _is_maker(self, name: str) -> bool:
        return self._gateways.meant(name)[1] is not None

    async def _parts(self, name: str, gateway: str | None, time_range: TimeRange) -> Sequence[Traffic]:
        """Return the traffic of what an instance served, or of the models of a maker, over a time."""
        instance, maker = self._gateways.meant(name)
        if instance is None and not any(model.owned_by == maker for model in self._catalog.models()):
            raise ResourceNotFound(f"There is no provider {name[:80]!r}.", param="provider")
        start = start_of(time_range, self._now)
        parts = await served(self._view, start, self._now, self._now, provider=gateway)
        return [part for part in parts if part.provider == instance or part.model.partition("/")[0] == maker]


def _row(gateways: Gateways, name: str, sources: Counter[str], count: int) -> ProviderRow:
    ranked = sorted(sources, key=lambda each: (-sources[each], each)) or [name]
    return ProviderRow(
        slug=name,
        name=gateways.display(name).name,
        site_url=gateways.site(name),
        logo_url=gateways.logo(name),
        source_gateway=ranked[0],
        source_gateways=tuple(ranked),
        model_count=count,
    )


def _by_requests(parts: Sequence[Traffic]) -> list[Traffic]:
    return sorted(by_model(parts).values(), key=lambda each: (-each.requests, each.model))


def _model_row(traffic: Traffic) -> dict[str, Any]:
    return {
        "model": traffic.model,
        "requests": traffic.requests,
        "tokens": traffic.input_tokens + traffic.output_tokens,
        "cost": usd_float(traffic.cost),
    }
