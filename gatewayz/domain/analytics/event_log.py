"""Events of clients: taken at once into memory, written in groups behind the requests.

Nobody waits for the database. While it is away events are kept up to a bound, then the newest are
dropped and counted. Source: docs/decisions/0158-analytics-events.md.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import randrange
from typing import Final

import msgspec

from gatewayz.config.sections.observing import Analytics
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.analytics_records import AnalyticsEvent, AnalyticsStore
from gatewayz.store.moment_id import MomentIds, first_id

__all__ = ["EventLog", "EventLogStats", "NewEvent"]

_GROUP: Final = 256
"""Rows of one transaction: a few milliseconds of the writer."""
_RETRY_S: Final = 1.0

_log = logging.getLogger("gatewayz.analytics")


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it came in; see `AnalyticsEvent`."""

    name: str
    user_id: int | None = None
    claimed_user: str | None = None
    session_id: str | None = None
    value: str | None = None
    metadata: str | None = None


class EventLogStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of this process since it started."""

    pending: int
    written: int
    dropped: int
    """The buffer was full, or the database refused them."""


class EventLog:
    """Takes events, and writes them.

    :param draw: random numbers below its argument.
    """

    def __init__(
        self, store: AnalyticsStore, clock: Clock, rules: Analytics, *, draw: Callable[[int], int] = randrange
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._ids = MomentIds(draw)
        self._pending: deque[tuple[datetime, NewEvent]] = deque()
        self._group: list[AnalyticsEvent] = []
        """What is being written; kept until it is known to be."""
        self._is_recorded = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._written = self._dropped = 0
        self._is_failing = False

    def record(self, events: Sequence[NewEvent]) -> int:
        """Take events, and return how many there was room for; never waits, never raises."""
        taken = events[: max(0, self._rules.max_pending - len(self._pending))]
        now = self._clock.now()
        self._pending.extend((now, event) for event in taken)
        self._dropped += len(events) - len(taken)
        self._is_recorded.set()
        return len(taken)

    async def run(self) -> None:
        """Write what is taken until cancelled; the application runs this beside the requests."""
        while True:
            await self._is_recorded.wait()
            await asyncio.sleep(self._rules.flush_s)
            if not await self.flush():
                await asyncio.sleep(_RETRY_S)

    async def flush(self) -> bool:
        """Write everything taken so far; return False when the database is away."""
        async with self._flushing:
            self._is_recorded.clear()
            try:
                while self._group or self._pending:
                    await self._write_group()
            except StoreUnavailable as err:
                self._is_recorded.set()
                if not self._is_failing:
                    _log.warning("analytics events cannot be written (%s); they are kept in memory", err)
                self._is_failing = True
                return False
        self._is_failing = False
        return True

    async def prune(self) -> int:
        """Forget what is too old or too many; return how many events went. Raises StoreUnavailable."""
        before = first_id(self._clock.now() - timedelta(days=self._rules.keep_days))
        return await self._store.prune(before, self._rules.keep_events)

    async def aclose(self) -> None:
        """Write what is left; what cannot be written is lost, and logged."""
        if not await self.flush():
            _log.error("%d analytics events were lost: the database is away at shutdown", self.stats().pending)

    def stats(self) -> EventLogStats:
        """Return the figures of this process."""
        pending = len(self._pending) + len(self._group)
        return EventLogStats(pending=pending, written=self._written, dropped=self._dropped)

    async def _write_group(self) -> None:
        if not self._group:
            count = min(_GROUP, len(self._pending))
            self._group = [self._row(*self._pending.popleft()) for _ in range(count)]
        try:
            await self._store.append(self._group)
            self._written += len(self._group)
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001  whatever the database has against these, later ones are written
            _log.exception("a group of %d analytics events was refused", len(self._group))
            self._dropped += len(self._group)
        self._group = []

    def _row(self, moment: datetime, event: NewEvent) -> AnalyticsEvent:
        row_id = self._ids.next(first_id(moment))
        return AnalyticsEvent(id=row_id, **msgspec.structs.asdict(event))
