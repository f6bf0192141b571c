"""Gateways: how they look, how they do, what went through them; and the routers beside them.

Source: spec 02 §2 (4.3.4, 4.4).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.observation.figures import TimeRange, figures, served, start_of
from gatewayz.domain.observation.traffic import Traffic, TrafficView

__all__ = ["StatsQuery", "gateway_stats", "gateway_status", "list_gateways", "list_routers", "summary"]


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Over which time."""

    time_range: TimeRange = "24h"


def list_gateways(settings: Settings, gateways: Gateways) -> dict[str, Any]:
    """Return `GET /v1/gateways`: fast ones first, then by name."""
    slugs = settings.detection.slugs
    data = [_gateway(gateways, name, slugs) for name in gateways.listed()]
    return {"data": data, "routers": list_routers(settings), "total": len(data)}


def list_routers(settings: Settings) -> list[dict[str, Any]]:
    """Return the routers that choose a model, with their modes as configured."""
    return [
        {
            "id": router_id,
            "name": page.name,
            "description": page.description,
            "powered_by": page.powered_by,
            "modes": [
                {"value": value, "label": mode.get("label", value), "description": mode.get("description", "")}
                for value, mode in _own(settings, router_id, "modes").items()
            ],
            "syntax": {
                "primary": page.syntax.primary,
                "examples": page.syntax.examples,
                "aliases": list(_own(settings, router_id, "names")),
            },
            "use_cases": page.use_cases,
        }
        for router_id, page in settings.router_pages.items()
    ]


def gateway_status(gateways: Gateways, catalog: Catalog, view: TrafficView) -> dict[str, Any]:
    """Return `GET /v1/gateways/status`: models now, and whether traffic or probes say that it is down."""
    counts = Counter(provider for model in catalog.models() for provider in {offer.provider for offer in model.offers})
    errors = _last_errors(view)
    data = []
    for name in gateways.known():
        is_down = view.condition(provider=name) == "down"
        data.append(
            {
                "id": name,
                "name": gateways.display(name).name,
                "model_count": counts[name],
                "in_error_state": is_down,
                "error_message": errors.get(name) if is_down else None,
                "priority": gateways.display(name).priority,
            }
        )
    totals = {
        "total_gateways": len(data),
        "total_models": len(catalog.models()),
        "gateways_with_errors": sum(bool(row["in_error_state"]) for row in data),
        "gateways_with_zero_models": sum(not row["model_count"] for row in data),
    }
    return {"data": data, "summary": totals}


async def summary(gateways: Gateways, view: TrafficView, time_range: TimeRange, now: datetime) -> dict[str, Any]:
    """Return `GET /v1/gateways/summary`: what went through each gateway. Raises StoreUnavailable."""
    parts = await served(view, start_of(time_range, now), now, now)
    served_by = _grouped(parts, lambda part: part.provider)
    data = {
        "time_range": time_range,
        "gateways": {name: figures(served_by.get(name, [])) for name in gateways.known()},
        "totals": figures(parts),
    }
    return {"success": True, "data": data}


async def gateway_stats(
    gateways: Gateways, view: TrafficView, gateway: str, time_range: TimeRange, now: datetime
) -> dict[str, Any]:
    """Return `GET /v1/gateway/{gateway}/stats`; `provider` there is who made the models.

    Raises InvalidRequest for an unknown gateway, StoreUnavailable.
    """
    instance = gateways.chosen(gateway)
    parts = await served(view, start_of(time_range, now), now, now, provider=instance)
    made_by = {
        maker: figures(group) for maker, group in _grouped(parts, lambda part: part.model.partition("/")[0]).items()
    }
    ranked = sorted(made_by, key=lambda maker: (-made_by[maker].total_requests, maker))
    data = {
        "gateway": instance or gateway,
        "time_range": time_range,
        **msgspec.structs.asdict(figures(parts)),
        "unique_providers": len(ranked),
        "top_provider": ranked[0] if ranked else None,
        "provider_breakdown": [{"provider": maker, **msgspec.structs.asdict(made_by[maker])} for maker in ranked],
    }
    return {"success": True, "data": data}


def _gateway(gateways: Gateways, name: str, slugs: Mapping[str, str]) -> dict[str, Any]:
    display = gateways.display(name)
    aliases = {*display.aliases, *(alias for alias, target in slugs.items() if target == name)}
    return {
        "id": name,
        "name": display.name,
        "color": display.color,
        "priority": display.priority,
        "site_url": gateways.site(name),
        "logo_url": gateways.logo(name),
        "icon": display.icon,
        "aliases": sorted(aliases),
    }


def _own(settings: Settings, router_id: str, key: str) -> Mapping[str, Any]:
    """Return a mapping of a router's own settings; nothing where it is not configured."""
    entry = settings.routers.get(router_id)
    own: Mapping[str, Any] = entry.settings.get(key, {}) if entry is not None else {}
    return own


def _grouped(parts: Iterable[Traffic], key: Callable[[Traffic], str]) -> dict[str, list[Traffic]]:
    groups: dict[str, list[Traffic]] = {}
    for part in parts:
        groups.setdefault(key(part), []).append(part)
    return groups


def _last_errors(view: TrafficView) -> dict[str, str]:
    """Return the code of each provider's newest error."""
    failed = [state for state in view.states().values() if state.last_error is not None]
    failed.sort(key=lambda state: state.last_failure_at.timestamp() if state.last_failure_at else 0.0)
    return {state.provider: state.last_error for state in failed if state.last_error is not None}
