"""Providers, models, and their uptime (12.2, 12.3). Source: spec 05 §3.2, §3.3."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from gatewayz.areas.health.schema import ModelsQuery, UptimeQuery
from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.health.shown import ProviderStanding
from gatewayz.domain.health.standing import Standings
from gatewayz.domain.health.uptime import Slot, Uptime, grouped, history_of
from gatewayz.sdk.errors import ResourceNotFound, StoreUnavailable

__all__ = [
    "Kind",
    "list_models",
    "list_providers",
    "model_stats",
    "one_provider",
    "provider_stats",
    "show_uptime",
]

Kind = Literal["providers", "gateways", "models"]

_METADATA: Final = {"source": "traffic and probes", "window_hours": 24, "score_window_minutes": 60}


def list_providers(gateways: Gateways, standings: Standings, gateway: str | None, now: datetime) -> dict[str, Any]:
    """Return `GET /health/providers` (12.2.1). Raises InvalidRequest for an unknown gateway."""
    chosen = gateways.chosen(gateway)
    found = [each for each in standings.providers if chosen in (None, each.provider)]
    return {
        "data": found,
        "providers": found,
        "total_providers": len(found),
        "tracked_providers": sum(each.status != "unknown" for each in found),
        "metadata": _METADATA,
        "timestamp": now,
    }


def one_provider(standings: Standings, name: str) -> ProviderStanding:
    """Return `GET /health/provider/{provider}` (12.2.2). Raises ResourceNotFound."""
    found = standings.provider(name)
    if found is None:
        raise ResourceNotFound(f"there is no provider {name[:80]!r}", param="provider")
    return found


def provider_stats(standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/providers/stats` (12.2.3)."""
    system = standings.system
    uptimes = [each.overall_uptime for each in standings.providers if each.overall_uptime is not None]
    return {
        "status": system.overall_status,
        "timestamp": now,
        "stats": {
            "total_providers": system.total_providers,
            "tracked_providers": system.tracked_providers,
            "healthy_providers": system.healthy_providers,
            "degraded_providers": system.degraded_providers,
            "unhealthy_providers": system.unhealthy_providers,
            "health_rate": _percent(system.healthy_providers, system.tracked_providers),
            "total_models": system.total_models,
            "avg_uptime": round(sum(uptimes) / len(uptimes), 2) if uptimes else None,
        },
        "providers": standings.providers,
    }


def list_models(gateways: Gateways, standings: Standings, query: ModelsQuery, now: datetime) -> dict[str, Any]:
    """Return `GET /health/models` (12.3.1): what was ever called. Raises InvalidRequest for an unknown gateway."""
    wanted = {name for word in (query.gateway, query.provider) if (name := gateways.chosen(word)) is not None}
    found = [each for each in standings.models if wanted <= {each.provider} and query.status in (None, each.status)]
    return {
        "data": found,
        "models": found,
        "total_models": len(found),
        "tracked_models": sum(each.status != "unknown" for each in found),
        "metadata": _METADATA,
        "timestamp": now,
    }


def model_stats(standings: Standings, now: datetime) -> dict[str, Any]:
    """Return `GET /health/models/stats`."""
    system = standings.system
    timed = [each.avg_response_time_ms for each in standings.models if each.avg_response_time_ms is not None]
    return {
        "status": system.overall_status,
        "timestamp": now,
        "stats": {
            "total_models": system.total_models,
            "tracked_models": system.tracked_models,
            "healthy_models": system.healthy_models,
            "degraded_models": system.degraded_models,
            "unhealthy_models": system.unhealthy_models,
            "health_rate": _percent(system.healthy_models, system.tracked_models),
            "avg_response_time_ms": round(sum(timed) / len(timed), 2) if timed else None,
        },
    }


async def show_uptime(
    uptime: Uptime, what: Kind, query: UptimeQuery, rules: Conditions, now: datetime
) -> dict[str, Any]:
    """Return `GET /health/{providers,gateways,models}/uptime` (12.2.4): those that were called in the period."""
    answer: dict[str, Any] = {"success": True, what: [], "period": query.period, "bucket": query.bucket}
    try:
        slots = await uptime.slots(query.period, query.bucket)
    except StoreUnavailable:
        answer |= {"success": False, "status": "degraded", "message": "the database does not answer"}
    else:
        answer[what] = [
            {**_names(key), "period_label": query.period, **msgspec.structs.asdict(history_of(group, now, rules))}
            for key, group in grouped(slots, _by_model if what == "models" else _by_provider).items()
        ]
    return {**answer, "timestamp": now}


def _by_provider(slot: Slot) -> tuple[str, ...]:
    return (slot.provider,)


def _by_model(slot: Slot) -> tuple[str, ...]:
    return slot.model, slot.provider


def _names(key: tuple[str, ...]) -> Mapping[str, str]:
    *model, provider = key
    return {**({"model_id": model[0]} if model else {}), "provider": provider, "gateway": provider}


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
