"""Announcements of maintenance: kept in the store, known to every process within seconds.

An announcement is for people and dashboards; calls to the model go on as before. Source: spec 02 §2 (4.8).
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.maintenance_records import MaintenanceEntry

__all__ = ["POLL_S", "Maintenance", "MaintenanceStore"]

POLL_S: Final = 3.0
"""How often each process reads the announcements."""

_log = logging.getLogger("gatewayz.maintenance")


class MaintenanceStore(Protocol):
    """What is needed of the store. Raises StoreUnavailable."""

    async def announce(self, entry: MaintenanceEntry) -> None:
        """Add an announcement, in place of one for the same model."""
        ...

    async def take_back(self, model: str) -> bool:
        """Remove an announcement; False when there is none."""
        ...

    async def list_entries(self, now: datetime) -> Sequence[MaintenanceEntry]:
        """Return what has not ended."""
        ...


class Maintenance:
    """What is announced, in memory. While the store is away what was read last holds."""

    def __init__(self, store: MaintenanceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: Mapping[str, MaintenanceEntry] = {}
        self._is_current = True

    def of(self, model: str) -> MaintenanceEntry | None:
        """Return what is announced for a model now, by canonical id; at once."""
        entry = self._entries.get(model)
        is_over = entry is not None and entry.until is not None and entry.until <= self._clock.now()
        return None if is_over else entry

    async def announce(self, model: str, until: datetime | None, reason: str, actor: str) -> MaintenanceEntry:
        """Announce, in place of what was announced for the model before. Raises StoreUnavailable."""
        entry = MaintenanceEntry(
            model=model, until=until, reason=reason, created_by=actor, created_at=self._clock.now()
        )
        await self._store.announce(entry)
        await self.refresh()
        return entry

    async def take_back(self, model: str) -> bool:
        """End what is announced; False when nothing was. Raises StoreUnavailable."""
        was_there = await self._store.take_back(model)
        await self.refresh()
        return was_there

    async def refresh(self) -> None:
        """Read the announcements. Raises StoreUnavailable."""
        self._entries = {entry.model: entry for entry in await self._store.list_entries(self._clock.now())}

    async def run(self) -> None:
        """Read the announcements every few seconds until cancelled."""
        while True:
            try:
                await self.refresh()
            except StoreUnavailable as err:
                if self._is_current:
                    _log.warning("announcements of maintenance cannot be read (%s); the last ones hold", err)
                self._is_current = False
            else:
                self._is_current = True
            await asyncio.sleep(POLL_S)
