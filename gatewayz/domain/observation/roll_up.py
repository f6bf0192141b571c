"""Sums of minutes to hours and of hours to days, and what is forgotten. Done by one process for all.

Doing it again changes nothing: a sum is always made anew from all its rows.
"""

from collections.abc import AsyncIterator
from typing import Final

from gatewayz.config.sections.observing import Observation as ObservationSettings
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.minutes import Key
from gatewayz.domain.observation.spans import DAY, HOUR, MINUTE
from gatewayz.sdk.clock import Clock
from gatewayz.store.observation_records import ObservationStore, TrafficRow, Wanted

__all__ = ["RollUp", "each_row"]

_GRACE_S: Final = 120
"""An hour is summed up this long after its end, when every process has written its last minute."""
_AGAIN: Final = 2
"""So many sums are made again each time, for what a process wrote late."""
_PAGE: Final = 2_000


class RollUp:
    """The job; `run_once` raises StoreUnavailable."""

    def __init__(self, store: ObservationStore, clock: Clock, settings: ObservationSettings) -> None:
        self._store = store
        self._clock = clock
        self._keep = {
            MINUTE: settings.keep_minutes_days * DAY,
            HOUR: settings.keep_hours_days * DAY,
            DAY: settings.keep_days * DAY,
        }

    async def run_once(self) -> None:
        """Sum up what is over and forget what is old."""
        now = int(self._clock.now().timestamp())
        for source, step in ((MINUTE, HOUR), (HOUR, DAY)):
            await self._sum_up(source, step, now - _GRACE_S)
            # Only whole sums, and only what has been summed up.
            await self._forget(source, step, now)
        await self._store.prune_traffic(DAY, now - self._keep[DAY])

    async def _sum_up(self, source: int, step: int, until: int) -> None:
        bounds = await self._store.bounds(source)
        if bounds is None:
            return
        done = await self._store.bounds(step)
        at = _whole(bounds[0], step)
        if done is not None:
            at = max(at, done[1] - _AGAIN * step)
        while at + step <= until:
            await self._sum_one(source, step, at)
            at += step

    async def _sum_one(self, source: int, step: int, at: int) -> None:
        sums: dict[Key, Bucket] = {}
        async for row in each_row(self._store, Wanted(step=source, first=at, end=at + step)):
            sums.setdefault((row.provider, row.model), Bucket()).merge(Bucket.of_row(row))
        rows = [bucket.row(at, provider, model, "") for (provider, model), bucket in sums.items()]
        await self._store.write_traffic(step, rows)

    async def _forget(self, source: int, step: int, now: int) -> None:
        done = await self._store.bounds(step)
        if done is not None:
            await self._store.prune_traffic(
                source, min(_whole(now - self._keep[source], step), done[1] - _AGAIN * step)
            )


async def each_row(store: ObservationStore, wanted: Wanted) -> AsyncIterator[TrafficRow]:
    """Yield rows in order, page by page. Raises StoreUnavailable."""
    page = await store.list_traffic(wanted, limit=_PAGE)
    while page:
        for row in page:
            yield row
        page = await store.list_traffic(wanted, after=page[-1].key, limit=_PAGE) if len(page) == _PAGE else ()


def _whole(at: int, step: int) -> int:
    return at - at % step
