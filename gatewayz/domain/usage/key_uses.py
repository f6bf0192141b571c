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
_NONE: Final = (0, None)

logger = logging.getLogger("gatewayz.usage")


class KeyUses:
    """`requests_used` and `last_used_at` of keys, behind the requests."""

    def __init__(self, store: IdentityStore, clock: Clock, *, flush_s: float = FLUSH_S) -> None:
        self._store = store
        self._clock = clock
        self._flush_s = flush_s
        self._uses: dict[int, tuple[int, datetime]] = {}
        self._on_the_way: dict[int, tuple[int, datetime]] = {}
        self._written: dict[int, int] = {}
        """Uses written since the total was read, of keys whose total was."""
        self._lock = asyncio.Lock()

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
        async with self._lock:
            await self._flush()

    async def read_total(self, key_id: int) -> int:
        """Return what the store has of a key, this process's uses till now included. Raises StoreUnavailable."""
        async with self._lock:
            await self._flush()
            total = await self._store.count_uses(key_id)
            self._written[key_id] = 0
        return total

    def unread(self, key_id: int) -> int:
        """Return the uses of this process that the total last read does not include."""
        waiting = self._uses.get(key_id, _NONE)[0] + self._on_the_way.get(key_id, _NONE)[0]
        return waiting + self._written.get(key_id, 0)

    def forget(self, key_id: int) -> None:
        """The total of a key is of no interest any more."""
        self._written.pop(key_id, None)

    async def _flush(self) -> None:
        if not self._uses:
            return
        uses, self._uses = self._uses, {}
        self._on_the_way = uses
        try:
            await self._store.record_uses(
                [KeyUse(key_id=key_id, requests=count, last_used_at=last) for key_id, (count, last) in uses.items()]
            )
        except StoreUnavailable as err:
            logger.debug("uses of keys are kept for later: %s", err)
            for key_id, (count, last) in uses.items():
                later = self._uses.get(key_id)
                self._uses[key_id] = (count, last) if later is None else (count + later[0], later[1])
        else:
            for key_id, (count, _) in uses.items():
                if key_id in self._written:
                    self._written[key_id] += count
        finally:
            self._on_the_way = {}

    async def aclose(self) -> None:
        """Write what is left."""
        await self.flush()
