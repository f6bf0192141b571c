"""Forgets usage rows that are too old."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.ports import UsageStore

__all__ = ["Retention"]

EVERY_S: Final = 3600.0

logger = logging.getLogger("gatewayz.usage")


class Retention:
    """Prunes the usage log every hour.

    :param keep_days: rows older than this go; PostgreSQL drops whole days.
    """

    def __init__(self, store: UsageStore, clock: Clock, *, keep_days: int) -> None:
        self._store = store
        self._clock = clock
        self._keep = timedelta(days=keep_days)

    async def run(self) -> None:
        """Prune until cancelled."""
        while True:
            await self.prune()
            await asyncio.sleep(EVERY_S)

    async def prune(self) -> int:
        """Prune once; return how many rows (PostgreSQL: days) went. An absent store is left for the next hour."""
        try:
            gone = await self._store.prune_usage(self._clock.now() - self._keep)
        except StoreUnavailable as err:
            logger.warning("old usage stays for now: %s", err)
            return 0
        if gone:
            logger.info("old usage is forgotten: %d", gone)
        return gone
