"""Following providers' model lists: on a clock, or when an administrator says so; by one process at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from gatewayz.domain.catalog_sync.sync import CatalogSync
from gatewayz.jobs.leased import Leased, LeaseStore
from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict
from gatewayz.store.catalog_records import Kind

__all__ = ["CatalogSyncJob"]

NAME: Final = "follow the model lists of providers"
_LOOK_S: Final = 60.0
"""How often it is seen whether a provider is due, at most."""


class HeldLeases(LeaseStore, Protocol):
    """Leases that can be looked at."""

    async def is_held(self, name: str, now: datetime) -> bool:
        """Return whether somebody holds a lease now."""
        ...


class CatalogSyncJob:
    """Asks providers under a lease, then makes this process use what they said.

    :param is_enabled: whether to ask on a clock.
    :param catch_up: builds the catalog of this process anew when listings have changed.
    """

    def __init__(
        self,
        sync: CatalogSync,
        leases: HeldLeases,
        clock: Clock,
        *,
        holder: str,
        is_enabled: Callable[[], bool],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self.sync = sync
        self.catch_up = catch_up
        self.is_enabled = is_enabled
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._running: set[asyncio.Task[bool]] = set()

    def periodic(self, interval_s: float) -> Periodic:
        """Return the job that asks whoever is due; each process runs one, one of them works."""
        return self._leased(self._ask_due, every_s=min(interval_s, _LOOK_S)).periodic()

    async def start(self, kind: Kind, names: Sequence[str]) -> None:
        """Begin to ask these providers, and return at once. Raises Conflict when somebody is at it already."""
        begun = asyncio.Event()
        work = asyncio.ensure_future(self._leased(partial(self._ask, kind, names, begun)).work_now())
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        waiting = asyncio.ensure_future(begun.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work.done() and not work.result():
            raise _busy()

    async def run(self, kind: Kind, names: Sequence[str]) -> None:
        """Ask these providers and wait for them. Raises Conflict when somebody is at it already."""
        if not await self._leased(partial(self._ask, kind, names, None)).work_now():
            raise _busy()

    async def is_running(self) -> bool:
        """Return whether some process is asking providers now. Raises StoreUnavailable."""
        return await self._leases.is_held(NAME, self._clock.now())

    async def check_idle(self) -> None:
        """Raise Conflict when some process is asking providers now."""
        if await self.is_running():
            raise _busy()

    async def join(self) -> None:
        """Wait for what was started here."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop what was started here."""
        for work in tuple(self._running):
            work.cancel()
        await self.join()

    async def _ask_due(self) -> None:
        if self.is_enabled() and (names := await self.sync.due()):
            await self._ask("incremental", names, None)

    async def _ask(self, kind: Kind, names: Sequence[str], begun: asyncio.Event | None) -> None:
        if begun is not None:
            begun.set()
        await self.sync.run(kind, names, self.catch_up)

    def _leased(self, work: Callable[[], Awaitable[object]], every_s: float = 0.0) -> Leased:
        return Leased(NAME, work, self._leases, self._clock, holder=self._holder, every_s=every_s)


def _busy() -> Conflict:
    return Conflict("A sync of model lists is already running.")
