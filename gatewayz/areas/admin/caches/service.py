"""How fresh the catalog in memory is. Source: spec 07 §5 (24.5.1)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.catalog_records import ProviderList

__all__ = ["cleared_gateways", "show_cache"]


def show_cache(
    catalog: Catalog, built_at: datetime | None, lists: Sequence[ProviderList], *, ttl_s: float, now: datetime
) -> dict[str, Any]:
    """Return the age of what is served: since a provider's list last confirmed it, else since it was built."""
    read = [each.last_success_at for each in lists if each.last_success_at is not None]
    fresh_at = max([*read, *([built_at] if built_at else [])], default=None)
    age_s = None if fresh_at is None else max(0.0, (now - fresh_at).total_seconds())
    has_data = bool(catalog.models())
    return {
        "has_data": has_data,
        "cache_age_seconds": None if age_s is None else round(age_s, 3),
        "ttl_seconds": ttl_s,
        "is_valid": has_data and age_s is not None and (not read or age_s <= ttl_s),
        "total_cached_providers": len(catalog.providers()),
    }


def cleared_gateways(catalog: Catalog, known: Sequence[str], gateway: str | None) -> list[str]:
    """Return whose models are read again. Raises InvalidRequest for an unknown gateway."""
    if gateway is None:
        return list(catalog.providers())
    name = catalog.provider_named(gateway)
    if name not in known:
        raise InvalidRequest(f"There is no gateway {gateway!r}.", param="gateway", suggestions=sorted(known))
    return [name]
