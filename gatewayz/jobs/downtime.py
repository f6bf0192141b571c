"""Signs of life on a clock; what needs one process at a time is done under a lease."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewayz import __version__
from gatewayz.config.settings import Settings
from gatewayz.domain.health.downtime import Downtime
from gatewayz.jobs.leased import Leased, LeaseStore
from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.downtime_records import Beat

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["DowntimeJob", "open_downtime"]


def open_downtime(
    settings: Settings, store: "SqlStore", clock: Clock, *, process: str, is_ready: Callable[[], bool]
) -> "DowntimeJob":
    """Return the job of a process, as its configuration says.

    :param process: a name that no other process has.
    """
    now, rules = clock.now(), settings.downtime
    me = Beat(process=process, host=socket.gethostname(), version=__version__, started_at=now, beat_at=now)
    downtime = Downtime(store.downtime, clock, rules, me, environment=settings.environment)
    return DowntimeJob(downtime, store.leases, clock, holder=process, beat_s=rules.beat_s, is_ready=is_ready)


class DowntimeJob:
    """Of one process.

    :param is_ready: whether the configuration in force can serve anything.
    """

    def __init__(
        self,
        downtime: Downtime,
        leases: LeaseStore,
        clock: Clock,
        *,
        holder: str,
        beat_s: float,
        is_ready: Callable[[], bool],
    ) -> None:
        self._downtime = downtime
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._beat_s = beat_s
        self._is_ready = is_ready
        self._was_ready: bool | None = None

    def periodic(self) -> Periodic:
        """Return the job; each process runs one."""
        return Periodic("give signs of life", self.round, every_s=self._beat_s)

    async def round(self) -> None:
        """Give a sign of life, and note what is to be noted. Raises StoreUnavailable."""
        downtime = self._downtime
        if not downtime.is_announced:
            await self._alone(downtime.announce)
        else:
            await downtime.beat()
        if downtime.has_lost_database:
            await self._alone(downtime.note_database)
        is_ready = self._is_ready()
        is_new = is_ready != self._was_ready
        if is_new and await self._alone(lambda: downtime.note_readiness(is_ready=is_ready)):
            self._was_ready = is_ready

    async def aclose(self) -> None:
        """Say that this process ends in order."""
        with suppress(StoreUnavailable):  # then it counts as crashed, as it would without a word
            await self._downtime.stop()

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do it while no other process does; return whether it was done."""
        leased = Leased("note downtime", work, self._leases, self._clock, holder=self._holder, every_s=0, lease_s=10)
        return await leased.work_now()
