"""Trending and low-latency models, from what was observed. Source: spec 02 §2 (4.1.5, 4.1.6)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import ALL, Gateways
from gatewayz.domain.observation.figures import served, speed, start_of
from gatewayz.domain.observation.totals import by_model, by_provider
from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.sdk.money import usd_float

__all__ = ["LatencyQuery", "TrendingQuery", "low_latency", "trending"]

_LOW_MS: Final = 500.0
_ULTRA_MS: Final = 100.0
_TIERS: Final = {
    1: "ultra fast: chips made for inference",
    2: "fast: serving tuned for speed",
    3: "usual speed",
    4: "slow: shared or decentralised serving",
}
_SOONEST_TIERS: Final = (1, 2)


class TrendingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which models, over which time."""

    gateway: str | None = None
    time_range: Literal["1h", "24h", "7d", "30d"] = "24h"
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0)] = 0
    sort_by: Literal["requests", "tokens", "users"] = "requests"


class LatencyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How soon is soon."""

    include_ultra_only: bool = False
    include_alternatives: bool = True
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0


async def trending(view: TrafficView, gateways: Gateways, query: TrendingQuery, now: datetime) -> dict[str, Any]:
    """Return the models used most, each with the gateway that most of it went through.

    Raises InvalidRequest for an unknown gateway, StoreUnavailable.
    """
    gateway = gateways.chosen(query.gateway)
    parts = await served(view, start_of(query.time_range, now), now, now, provider=gateway)
    models = sorted(by_model(parts).values(), key=lambda each: (-_MEASURES[query.sort_by](each), each.model))
    page = models[query.offset : query.offset + query.limit]
    main = _main_providers(parts)
    return {
        "success": True,
        "data": [_trend(each, main[each.model]) for each in page],
        "count": len(page),
        "gateway": query.gateway or ALL,
        "time_range": query.time_range,
        "sort_by": query.sort_by,
        "pagination": _pagination(query.limit, query.offset, len(models)),
    }


def low_latency(view: TrafficView, gateways: Gateways, catalog: Catalog, query: LatencyQuery) -> dict[str, Any]:
    """Return the models whose answers of the last hour came soonest, and where soon answers are likely."""
    bound = _ULTRA_MS if query.include_ultra_only else _LOW_MS
    recent = [part for part in view.recent() if part.latency.count]
    measured = {name: mean for name, each in by_model(recent).items() if (mean := each.latency.mean()) is not None}
    soon = sorted(
        (name for name, mean in measured.items() if mean < bound and catalog.find(name) is not None),
        key=lambda name: (measured[name], name),
    )
    page = soon[query.offset : query.offset + query.limit]
    return {
        "models": page,
        "count": len(page),
        "providers_by_speed": _providers_by_speed(recent),
        "provider_tiers": {
            name: {"tier": tier, "description": _TIERS[tier]}
            for name in gateways.known()
            if (tier := gateways.display(name).speed_tier) is not None
        },
        "pagination": _pagination(query.limit, query.offset, len(soon)),
        "alternatives": _alternatives(gateways, catalog, measured, query.limit) if query.include_alternatives else [],
    }


_MEASURES: Final[dict[str, Callable[[Traffic], int]]] = {
    "requests": lambda each: each.requests,
    "tokens": lambda each: each.input_tokens + each.output_tokens,
    "users": lambda each: each.users,
}


def _trend(traffic: Traffic, provider: str) -> dict[str, Any]:
    return {
        "model": traffic.model,
        "provider": provider,
        "requests": traffic.requests,
        "total_tokens": traffic.input_tokens + traffic.output_tokens,
        "unique_users": traffic.users,
        "total_cost": usd_float(traffic.cost),
        "avg_speed": speed(traffic),
        "gateway": provider,
    }


def _main_providers(parts: Sequence[Traffic]) -> dict[str, str]:
    """Return the provider that served most requests of each model."""
    best: dict[str, Traffic] = {}
    for part in parts:
        if part.model not in best or part.requests > best[part.model].requests:
            best[part.model] = part
    return {model: part.provider for model, part in best.items()}


def _providers_by_speed(recent: Sequence[Traffic]) -> list[dict[str, Any]]:
    rows = [
        {
            "provider": name,
            "average_response_time_ms": round(mean, 1),
            "tokens_per_second": speed(each),
            "requests": each.requests,
        }
        for name, each in by_provider(recent).items()
        if (mean := each.latency.mean()) is not None
    ]
    return sorted(rows, key=lambda row: (row["average_response_time_ms"], row["provider"]))


def _alternatives(gateways: Gateways, catalog: Catalog, measured: dict[str, float], limit: int) -> list[str]:
    """Return models that nobody has measured in the last hour, at gateways that are fast by their make."""
    fast = {name: gateways.display(name).speed_tier for name in catalog.providers()}
    tiers = {
        model.id: min(found)
        for model in catalog.models()
        if model.id not in measured
        and (found := [tier for offer in model.offers if (tier := fast[offer.provider]) in _SOONEST_TIERS])
    }
    return sorted(tiers, key=lambda model_id: (tiers[model_id], model_id))[:limit]


def _pagination(limit: int, offset: int, total: int) -> dict[str, Any]:
    return {"limit": limit, "offset": offset, "total": total, "has_more": offset + limit < total}
