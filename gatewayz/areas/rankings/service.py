"""Leaderboards of the last week against the week before, from the own traffic. Source: spec 02 §2 (4.7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.observation.figures import served
from gatewayz.domain.observation.totals import by_model
from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.domain.usage.apps import AppRanking

__all__ = ["RankingQuery", "ranked_apps", "ranked_models"]

_PERIOD: Final = timedelta(days=7)
_PERIOD_NAME: Final = "week"
_UNITS: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


class RankingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How many, from which place."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0


async def ranked_models(
    view: TrafficView, gateways: Gateways, catalog: Catalog, query: RankingQuery, now: datetime
) -> dict[str, Any]:
    """Return the models by the tokens of the last seven days. Raises StoreUnavailable."""
    tokens = _tokens(await served(view, now - _PERIOD, now, now))
    before = _tokens(await served(view, now - 2 * _PERIOD, now - _PERIOD, now))
    ranked = sorted(tokens, key=lambda model_id: (-tokens[model_id], model_id))
    rows = [
        {
            "id": model_id,
            "rank": rank,
            **_names(gateways, catalog, model_id),
            "tokens": _short(tokens[model_id]),
            "total_tokens": tokens[model_id],
            **_trend(tokens[model_id], before.get(model_id, 0)),
            "time_period": _PERIOD_NAME,
            "scraped_at": now,
        }
        for rank, model_id in enumerate(ranked, 1)
    ][query.offset : query.offset + query.limit]
    return _page(rows, query)


async def ranked_apps(apps: AppRanking, query: RankingQuery, now: datetime) -> dict[str, Any]:
    """Return the applications that name themselves by the tokens of the last seven days. Raises StoreUnavailable."""
    rows = [
        {
            "id": use.app.url or use.app.name,
            "rank": rank,
            "app_name": use.app.name,
            "app_url": use.app.url,
            "requests": use.app.requests,
            "tokens": _short(use.app.tokens),
            "total_tokens": use.app.tokens,
            **_trend(use.app.tokens, use.before),
            "time_period": _PERIOD_NAME,
            "scraped_at": now,
            "logo_url": None,
        }
        for rank, use in enumerate(await apps.top(), 1)
    ][query.offset : query.offset + query.limit]
    return _page(rows, query)


def _tokens(parts: Sequence[Traffic]) -> Mapping[str, int]:
    return {name: each.input_tokens + each.output_tokens for name, each in by_model(parts).items()}


def _names(gateways: Gateways, catalog: Catalog, model_id: str) -> dict[str, Any]:
    model = catalog.find(model_id)
    author, _, bare = model_id.partition("/")
    return {
        "model_name": model.name if model is not None else bare,
        "author": author,
        "model_url": f"/v1/models/{model_id}",
        "author_url": f"/v1/models/{author}",
        "logo_url": gateways.logo(author),
    }


def _trend(tokens: int, before: int) -> dict[str, str]:
    """Return how tokens changed; a model without an earlier week is new."""
    is_up = tokens >= before
    return {
        "trend_percentage": f"{abs(tokens - before) * 100 / before:.0f}%" if before else "new",
        "trend_direction": "up" if is_up else "down",
        "trend_icon": "↑" if is_up else "↓",
        "trend_color": "green" if is_up else "red",
    }


def _short(amount: int) -> str:
    """Return an amount as people read it: `1.2M`."""
    for unit, letter in _UNITS:
        if amount >= unit:
            return f"{amount / unit:.1f}{letter}"
    return str(amount)


def _page(rows: list[dict[str, Any]], query: RankingQuery) -> dict[str, Any]:
    return {
        "success": True,
        "data": rows,
        "count": len(rows),
        "limit": query.limit,
        "offset": query.offset,
        "has_logo_urls": any(row["logo_url"] is not None for row in rows),
    }
