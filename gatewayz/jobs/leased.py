"""Work that one process does for all of them.

The lease is a row of the store. It says until when somebody is at work, and when the work was last
done: whoever finds it neither running nor recent does it. A process that dies leaves a lease that
ends by itself. Source: docs/decisions/0130-jobs-under-a-lease.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable

__all__ = ["LeaseStore", "Leased"]

_LOOKS: Final = 4
"""How often a process looks in one period whether the work is due."""
_LONGEST_PAUSE_S: Final = 30.0


class LeaseStore(Protocol):
    """Leases by name. Every method raises StoreUnavailable."""

    async def take(self, name: str, holder: str, now: datetime, until: datetime, done_before: datetime) -> bool:
        """Take a lease that nobody holds now and whose work was last done at or before `done_before`."""
        ...

    async def extend(self, name: str, holder: str, until: datetime) -> bool:
        """Hold on to a lease; False when it has passed to another."""
        ...

    async def end(self, name: str, holder: str, until: datetime, done: datetime | None) -> None:
        """Let go at `until`, and note when the work was done; None leaves that as it is."""
        ...


class Leased:
    """One piece of work that is done about every `every_s` by one of the processes.

    :param work: reads nothing it has kept from last time: another process may have done that round.
    :param holder: a name that no other process has.
    :param lease_s: a process not heard of for so long is dead, and another one takes over.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[object]],
        leases: LeaseStore,
        clock: Clock,
        *,
        holder: str,
        every_s: float,
        lease_s: float = 60.0,
    ) -> None:
        self.name = name
        self._work = work
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._every = timedelta(seconds=every_s)
        self._lease_s = lease_s
        self._look_every_s = min(every_s / _LOOKS, _LONGEST_PAUSE_S)

    def periodic(self) -> Periodic:
        """Return the job that looks again and again whether this work is due; each process runs one."""
        return Periodic(self.name, self.work_if_due, every_s=self._look_every_s)

    async def work_if_due(self) -> bool:
        """Work unless that was done lately or is being done; return whether it was. Raises what the work raises."""
        return await self._work_once(self._clock.now() - self._every)

    async def work_now(self) -> bool:
        """Work even if that was done lately; False when another process is at it."""
        return await self._work_once(self._clock.now())

    async def _work_once(self, done_before: datetime) -> bool:
        started = self._clock.now()
        until = started + timedelta(seconds=self._lease_s)
        if not await self._leases.take(self.name, self._holder, started, until, done_before):
            return False
        done = None
        try:
            await self._work_while_held()
            done = started
        finally:
            with suppress(StoreUnavailable):  # then the lease ends by itself
                await self._leases.end(self.name, self._holder, self._clock.now(), done)
        return True

    async def _work_while_held(self) -> None:
        """Do the work, cancelled as soon as the lease is another's."""
        work = asyncio.ensure_future(self._work())
        try:
            while not (await asyncio.wait({work}, timeout=self._lease_s / 3))[0]:
                if not await self._leases.extend(
                    self.name, self._holder, self._clock.now() + timedelta(seconds=self._lease_s)
                ):
                    raise StoreUnavailable("the lease was lost")
            work.result()
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
