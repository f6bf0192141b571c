"""What was seen of each offer in the last day, week and month: read once for all who ask."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.domain.status.tiers import Offered, Tier, tiers_of
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable

__all__ = ["SPANS", "Period", "Readings", "Use", "served_by"]

Period = Literal["24h", "7d", "30d"]
SPANS: Final[Mapping[Period, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_FRESH_S: Final = 2.0
_TIMEOUT_S: Final = 5.0
_COST_SHARE: Final = 20
"""What was read is used again for so many times as long as reading took, but at least for `_FRESH_S`."""

Readings = Mapping[Offered, Traffic]


class _Reading(NamedTuple):
    until: float
    traffic: Readings | None


class Use:
    """Traffic by offer, and the tiers that follow from it."""

    def __init__(self, view: TrafficView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._kept: dict[Period, _Reading] = {}
        self._locks = {period: asyncio.Lock() for period in SPANS}
        self._requests: Mapping[Offered, int] = {}
        self._tiers: tuple[Catalog, Mapping[Offered, int], Mapping[Offered, Tier]] | None = None

    async def of(self, period: Period) -> Readings | None:
        """Return the traffic of the last 24 hours, 7 or 30 days by offer; None while it cannot be read."""
        async with self._locks[period]:
            kept = self._kept.get(period)
            started = self._clock.monotonic()
            if kept is None or started >= kept.until:
                traffic = await self._read(period)
                ended = self._clock.monotonic()
                cost_s = 0.0 if traffic is None else ended - started
                kept = _Reading(ended + max(_FRESH_S, _COST_SHARE * cost_s), traffic)
                self._kept[period] = kept
        return kept.traffic

    async def tiers(self, catalog: Catalog) -> Mapping[Offered, Tier]:
        """Return the tier of every offer of a catalog, by its use of the last 30 days; most used first.

        While that cannot be read, what was read last holds.
        """
        month = await self.of("30d")
        if month is not None:
            requests = {offer: traffic.requests for offer, traffic in month.items() if traffic.requests}
            if requests != self._requests:
                self._requests = requests
        if self._tiers is None or self._tiers[0] is not catalog or self._tiers[1] is not self._requests:
            offers = ((provider, model) for provider, models in served_by(catalog).items() for model in models)
            self._tiers = (catalog, self._requests, tiers_of(self._requests, offers))
        return self._tiers[2]

    async def _read(self, period: Period) -> Readings | None:
        now = self._clock.now()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await self._view.between(now - SPANS[period], now + timedelta(minutes=1))
        except (StoreUnavailable, TimeoutError, InvalidRequest):  # away, or more figures than can be read at once
            return None
        return {(each.provider, each.model): each for each in found}


def served_by(catalog: Catalog) -> Mapping[str, frozenset[str]]:
    """Return the models that each provider serves, by canonical id."""
    served: dict[str, set[str]] = {}
    for model in catalog.models():
        for offer in model.offers:
            served.setdefault(offer.provider, set()).add(model.id)
    return {name: frozenset(models) for name, models in served.items()}
