"""Answers of the status routes that are more than what `domain.status` shows. Source: spec 05 §6."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from gatewayz.areas.status.schema import IncidentQuery, OfferQuery
from gatewayz.config.sections.serving import Server
from gatewayz.domain.breakers.breakers import BreakerView
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.health.vitals import Answering
from gatewayz.domain.observation.traffic import Condition
from gatewayz.domain.status.shown import Checks, OfferStatus, Overall, Word, offer_word
from gatewayz.domain.status.tiers import Offered, Tier
from gatewayz.sdk.errors import GatewayzError
from gatewayz.store.incident_records import IncidentFilter, IncidentTotals

__all__ = [
    "circuit_summary",
    "concurrency",
    "filter_of",
    "found",
    "incident_filter",
    "infrastructure",
    "listed",
    "matching",
    "named_offer",
    "statistics",
    "without_database",
]

_ONE_ONLY: Final = ("consecutive_failures", "usage_24h", "is_enabled")
"""Fields of one model that lists do not show (15.5)."""
_FOUND: Final = ("model_id", "provider", "gateway", "status", "tier", "uptime_24h", "last_checked", "active_incidents")
"""Fields that a search shows (15.8)."""
_WARNING, _CRITICAL = 0.7, 0.9
"""Shares of the room for work in progress. Source: spec 05 §5 (14.1)."""


def filter_of(catalog: Catalog, query: OfferQuery) -> Callable[[Offered, Tier, Condition], bool]:
    """Return which offers a query of 15.4 wants."""
    wanted = {catalog.provider_named(name) for name in (query.provider, query.gateway) if name}

    def fits(offered: Offered, tier: Tier, condition: Condition) -> bool:
        return (
            wanted <= {offered[0]}
            and query.tier in (None, tier)
            and (query.status is None or query.status == offer_word(condition))
        )

    return fits


def matching(catalog: Catalog, text: str) -> Callable[[Offered, Tier, Condition], bool]:
    """Return which offers a text means: by id or name of the model, or by the provider, without case (15.8)."""
    sought = text.strip().lower()

    def fits(offered: Offered, _: Tier, __: Condition) -> bool:
        provider, model_id = offered
        model = catalog.find(model_id)
        return any(sought in name.lower() for name in (model_id, provider, "" if model is None else model.name))

    return fits


def named_offer(catalog: Catalog, provider: str, model: str) -> Offered:
    """Return the offer that words for a provider and a model mean."""
    name, model = catalog.provider_named(provider), model.rstrip("/")
    try:
        return name, catalog.resolve(model).id
    except GatewayzError:
        return name, model  # one that is not served any more goes by its id


def listed(row: OfferStatus) -> dict[str, Any]:
    """Return an offer as lists show it (15.4)."""
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in _ONE_ONLY}


def found(row: OfferStatus) -> dict[str, Any]:
    """Return an offer as a search shows it (15.8)."""
    return {name: getattr(row, name) for name in _FOUND}


def incident_filter(catalog: Catalog, query: IncidentQuery) -> IncidentFilter:
    """Return which incidents a query of 15.6 wants."""
    return IncidentFilter(
        is_active=None if query.status is None else query.status == "active",
        severity=query.severity,
        provider=None if query.provider is None else catalog.provider_named(query.provider),
    )


def concurrency(working: int, in_progress: int, server: Server) -> dict[str, Any]:
    """Return the work in progress (15.2); nobody queues: what there is no room for is refused."""
    limit = server.max_concurrent_requests
    share = working / limit
    return {
        "active": working,
        "queued": 0,
        "status": "critical" if share >= _CRITICAL else "warning" if share >= _WARNING else "healthy",
        "limit": limit,
        "utilization_percent": round(100 * share, 2),
        "open_requests": in_progress,
    }


def without_database(shown: Overall) -> Overall:
    """Return the word for everything while the database is away: at best degraded, and it says so (25.20)."""
    word: Word = "major_outage" if shown.status == "major_outage" else "degraded"
    message = f"The gateway's database does not answer. {shown.status_message}"
    return msgspec.structs.replace(shown, status=word, status_message=message)


def circuit_summary(views: Mapping[str, BreakerView]) -> dict[str, Any]:
    """Return the breakers of all providers; those that are not closed by name (15.2)."""
    counts = Counter(view.state for view in views.values())
    return {
        "total": len(views),
        "open": counts[State.OPEN],
        "half_open": counts[State.HALF_OPEN],
        "summary": {name: view.state.value for name, view in views.items() if view.state is not State.CLOSED},
    }


def infrastructure(database: Answering, redis: Answering | None) -> dict[str, Any]:
    """Return whether what the gateway leans on answers (15.2); without its tables a process does not serve."""
    cache = "not_configured" if redis is None else "connected" if redis.is_up else "unavailable"
    return {"database": "connected" if database.is_up else "unavailable", "cache": cache, "db_initialized": True}


def statistics(
    tiers: Mapping[Tier, int], totals: IncidentTotals | None, checks: Checks | None, now: datetime
) -> dict[str, Any]:
    """Return `GET /v1/status/stats` (15.9); null is what cannot be read now."""
    return {
        "monitoring": {"total_models": sum(tiers.values()), **{f"{tier}_tier": tiers[tier] for tier in tiers}},
        "incidents": {
            "total_all_time": None if totals is None else totals.total,
            "active": None if totals is None else totals.active,
            "resolved": None if totals is None else totals.total - totals.active,
        },
        "checks_24h": {
            "total": None if checks is None else checks.total,
            "successful": None if checks is None else checks.successful,
            "failed": None if checks is None else checks.failed,
            "success_rate": None if checks is None else checks.percentage,
        },
        "last_updated": now,
    }
