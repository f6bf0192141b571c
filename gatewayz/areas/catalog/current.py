"""The lists of the catalog in use: made once for each, beside the event loop."""

import asyncio

from gatewayz.areas.catalog.service import ModelLists
from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.benchmarks import benchmark_scores
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock

__all__ = ["CurrentLists"]


class CurrentLists:
    """The lists of the newest catalog that somebody asked for, made once."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._made: asyncio.Task[ModelLists] | None = None

    async def of(self, catalog: Catalog, settings: Settings, traffic: TrafficView, clock: Clock) -> ModelLists:
        """Return the lists of a catalog, brought up to date with traffic; made beside the event loop."""
        made = self._made if catalog is self._catalog else None
        if made is None or (made.done() and (made.cancelled() or made.exception() is not None)):
            work = asyncio.to_thread(_make, catalog, settings, traffic, clock)
            self._catalog, self._made = catalog, asyncio.get_running_loop().create_task(work)
            made = self._made
        lists = await asyncio.shield(made)
        lists.rows.refresh()
        return lists


def _make(catalog: Catalog, settings: Settings, traffic: TrafficView, clock: Clock) -> ModelLists:
    gateways, scores = Gateways(settings.providers, catalog), benchmark_scores(settings.routers)
    lists = ModelLists(catalog, gateways, traffic, clock, scores)
    for entry in lists.rows.primary:
        lists.rows.raw(entry)
    return lists
