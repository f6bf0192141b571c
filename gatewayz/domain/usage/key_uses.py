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
        self._told: dict[int, int] = {}
        """Calls under way whose use the store has been told of already."""
        self._lock = asyncio.Lock()

    def record(self, settlement: Settlement) -> None:
        """Count a settled request; never waits."""
        key_id = settlement.key_id
        if key_id is not None:
            count = 0 if self._told and self.forget_told(key_id) else 1
            used = self._uses.get(key_id)
            self._uses[key_id] = (count if used is None else used[0] + count, self._clock.now())

    def count_as_told(self, key_id: int) -> None:
        """The store knows of one call of a key that is not settled yet: its settlement adds nothing."""
        self._told[key_id] = self._told.get(key_id, 0) + 1

    def forget_told(self, key_id: int) -> bool:
        """Return whether there was such a call; it is one less now."""
        told = self._told.pop(key_id, 0)
        if told > 1:
            self._told[key_id] = told - 1
        return told > 0

    async def run(self) -> None:
        """Write every few seconds until cancelled."""
        while True:
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Write the counts; they are kept while the database is away."""
        async with self._lock:
            await self._flush()

    async def _flush(self) -> None:
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
