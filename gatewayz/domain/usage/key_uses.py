"""Counts what each key does, and tells the store every few seconds."""

import asyncio
import logging
from datetime import datetime
from typing import Final

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.observe import Settlement
from gatewayz.store.ports import IdentityStore
from gatewayz.store.records import KeyUse

__all__ = ["KeyUses"]

FLUSH_S: Final = 5.0

logger = logging.getLogger("gatewayz.usage")


class KeyUses:
    """`requests_used` and `last_used_at` of keys, behind the requests."""

    def __init__(self, store: IdentityStore, clock: Clock, *, flush_s: float = FLUSH_S) -> None:
        self._store = store
        self._clock = clock
        self._flush_s = flush_s
        self._uses: dict[int, tuple[int, datetime]] = {}

    def record(self, settlement: Settlement) -> None:
        """Count a settled request; never waits."""
        key_id = settlement.key_id
        if key_id is not None:
            used = self._uses.get(key_id)
            self._uses[key_id] = (1 if used is None else used[0] + 1, self._clock.now())

    async def run(self) -> None:
        """Write every few seconds until cancelled."""
        while True:
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Write the counts; they are kept while the database is away."""
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        try:
            await self._store.record_uses(
                [KeyUse(key_id=key_id, requests=count, last_used_at=last) for key_id, (count, last) in uses.items()]
            )
        except StoreUnavailable as err:
            logger.debug("uses of keys are kept for later: %s", err)
            for key_id, (count, last) in uses.items():
                later = self._uses.get(key_id)
                self._uses[key_id] = (count, last) if later is None else (count + later[0], later[1])

    async def aclose(self) -> None:
        """Write what is left."""
        await self.flush()
