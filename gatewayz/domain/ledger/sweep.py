"""What happens to holds nobody settles: their process was killed, or lost its power.

Every process tells that it lives. A hold whose process is silent for the lease is an orphan; any
other process settles it from its progress mark, or releases it when nothing is known to be delivered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from gatewayz.config.sections.money import Ledger as LedgerSettings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.ledger_records import LedgerStore
from gatewayz.store.moment_id import first_id

__all__ = ["Sweeper"]

ORPHANS_AT_ONCE: Final = 500
PRUNED_AT_ONCE: Final = 1_000
PRUNE_EVERY: Final = timedelta(hours=1)

logger = logging.getLogger("gatewayz.ledger")


class Sweeper:
    """Beats, marks, sweeps and prunes, for one process."""

    def __init__(self, ledger: Ledger, store: LedgerStore, clock: Clock, settings: LedgerSettings) -> None:
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._settings = settings
        self._pruned_at = clock.now()

    async def run(self) -> None:
        """Do all of it until cancelled; the application runs this beside the requests."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(self._settings.beat_s, self.round))
            tasks.create_task(self._every(self._settings.mark_s, self._ledger.write_marks))

    async def round(self) -> None:
        """Tell that this process lives, and settle what dead ones left."""
        await self._store.beat(self._ledger.process_id, self._ledger.now_ms())
        await self.sweep()
        if self._clock.now() - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = self._clock.now()
            await self.prune()

    async def sweep(self) -> int:
        """Settle orphaned holds; return how many were found."""
        now_ms = self._ledger.now_ms()
        orphans = await self._store.list_orphans(
            alive_since_ms=now_ms - int(self._settings.lease_s * 1000),
            touched_before_ms=now_ms - int(self._settings.hold_ttl_s * 1000),
            limit=ORPHANS_AT_ONCE,
        )
        charged = await asyncio.gather(
            *(self._ledger.sweep(orphan.key, orphan.user_id, orphan.process_id) for orphan in orphans)
        )
        if orphans:
            logger.warning(
                "%d orphaned holds were settled; %d of them had delivered something",
                len(orphans),
                sum(map(bool, charged)),
            )
        return len(orphans)

    async def prune(self) -> int:
        """Forget holds settled long ago; return how many went."""
        before = first_id(self._clock.now() - timedelta(days=self._settings.keep_holds_days))
        gone = 0
        while count := await self._store.prune_holds(before, PRUNED_AT_ONCE):
            gone += count
        return gone

    async def aclose(self) -> None:
        """Take this process off the list of the living."""
        try:
            await self._store.forget_process(self._ledger.process_id)
        except StoreUnavailable as err:
            logger.debug("the process stays on the list until its lease ends: %s", err)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except StoreUnavailable as err:
                logger.debug("put off: %s", err)
            except Exception:  # one failed round must not end the sweeping of all later ones
                logger.exception("a round of the ledger's upkeep failed")
            await asyncio.sleep(seconds)
