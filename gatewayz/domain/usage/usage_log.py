"""The usage log: recorded at once in memory, written in groups behind the requests.

A request never waits for it. While the database is away rows are kept up to `max_pending`, then
the newest are dropped and counted; money is not in here (the ledger has it), so a lost row loses
a line of a report.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from random import randrange
from typing import Final

import msgspec

from gatewayz.domain.usage.usage_rows import usage_row
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, StoreUnavailable
from gatewayz.sdk.observe import Settlement
from gatewayz.store.moment_id import MomentIds, first_id
from gatewayz.store.ports import UsageStore
from gatewayz.store.records import UsageRow

__all__ = ["UsageLog", "UsageLogStats"]

GROUP_ROWS: Final = 256
"""Rows of one transaction: a few milliseconds of the writer, so that a hold behind it does not wait."""
RETRY_S: Final = 1.0
DRAWS: Final = 3

logger = logging.getLogger("gatewayz.usage")


class UsageLogStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures for metrics."""

    pending: int
    written: int
    dropped: int
    """Rows lost: the buffer was full, or the database refused the row itself."""


class UsageLog:
    """Records settlements.

    :param flush_s: a row is written at latest so long after it was recorded.
    :param max_pending: rows kept in memory while the database is away.
    :param draw: random numbers below its argument.
    """

    def __init__(
        self,
        store: UsageStore,
        clock: Clock,
        *,
        flush_s: float = 0.1,
        max_pending: int = 50_000,
        draw: Callable[[int], int] = randrange,
    ) -> None:
        self._store = store
        self._clock = clock
        self._flush_s = flush_s
        self._max_pending = max_pending
        self._ids = MomentIds(draw)
        self._pending: deque[tuple[datetime, Settlement]] = deque()
        self._is_recorded = asyncio.Event()
        self._unwritten: list[UsageRow] | None = None
        """A group whose fate is unknown: the database went away while it was written."""
        self._written = self._dropped = 0
        self._is_failing = False
        self._flushing = asyncio.Lock()

    def record(self, settlement: Settlement) -> None:
        """Note a settlement; never waits, never raises."""
        if len(self._pending) >= self._max_pending:
            self._dropped += 1
            return
        self._pending.append((self._clock.now(), settlement))
        if not self._is_recorded.is_set():
            self._is_recorded.set()

    async def run(self) -> None:
        """Write what is recorded until cancelled; the application runs this beside the requests."""
        while True:
            await self._is_recorded.wait()
            await asyncio.sleep(self._flush_s)
            if not await self.flush():
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> bool:
        """Write everything recorded so far; return False when the database is away."""
        async with self._flushing:
            self._is_recorded.clear()
            try:
                while self._unwritten or self._pending:
                    await self._write_group()
            except StoreUnavailable as err:
                self._is_recorded.set()
                if not self._is_failing:
                    logger.warning("usage cannot be written (%s); it is kept in memory", err)
                self._is_failing = True
                return False
        if self._is_failing:
            logger.info("usage is written again; %d rows were dropped so far", self._dropped)
        self._is_failing = False
        return True

    async def aclose(self) -> None:
        """Write what is left; what cannot be written is counted and logged."""
        if not await self.flush():
            lost = len(self._pending) + len(self._unwritten or ())
            self._dropped += lost
            logger.error("%d rows of usage were lost: the database is away at shutdown", lost)

    def stats(self) -> UsageLogStats:
        """Return the figures of this process."""
        pending = len(self._pending) + len(self._unwritten or ())
        return UsageLogStats(pending=pending, written=self._written, dropped=self._dropped)

    async def _write_group(self) -> None:
        is_repeat = self._unwritten is not None
        rows = self._unwritten or self._take()
        self._unwritten = rows
        for draw in range(1, DRAWS + 1):
            try:
                await self._store.append_usage(rows)
            except Conflict:
                if is_repeat:
                    break  # the first try was committed after all: these ids are our own
                if draw == DRAWS:
                    raise
                rows = self._unwritten = self._redraw(rows)
                continue
            except StoreUnavailable:
                raise
            except Exception:  # whatever the database has against a row, the rows beside it are written
                logger.exception("a group of %d usage rows was refused", len(rows))
                self._unwritten = None
                await self._write_singly(rows)
                return
            break
        self._written += len(rows)
        self._unwritten = None

    async def _write_singly(self, rows: list[UsageRow]) -> None:
        for row in rows:
            try:
                await self._store.append_usage([row])
                self._written += 1
            except StoreUnavailable:
                self._dropped += 1
            except Exception:  # this is the row that was refused
                self._dropped += 1
                logger.exception("usage row of request %s was refused", row[1])

    def _take(self) -> list[UsageRow]:
        count = min(GROUP_ROWS, len(self._pending))
        taken = (self._pending.popleft() for _ in range(count))
        return [usage_row(self._ids.next(first_id(moment)), settlement) for moment, settlement in taken]

    def _redraw(self, rows: list[UsageRow]) -> list[UsageRow]:
        """Return the rows under other ids: another process has drawn one of these."""
        self._ids.reseed()
        now = first_id(self._clock.now())
        return [(self._ids.next(now), *row[1:]) for row in rows]
