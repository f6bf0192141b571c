"""What all connections of one process share: the application, the limits, the clock that cuts them off.

Deadlines are plain numbers on the connections; one timer looks at all of them, so that a request
costs no timer and an idle connection no task.
"""

import asyncio
import math
from collections.abc import Hashable
from typing import Any, Final, Protocol

from gatewayz.config.sections.serving import Server
from gatewayz.server.access import AccessLog
from gatewayz.server.asgi import ASGI3
from gatewayz.server.framing import HostRule
from gatewayz.server.response import DateLine

__all__ = ["NEVER", "Peer", "Service"]

NEVER: Final = math.inf
_MAX_SWEEP_S: Final = 1.0
_MIN_SWEEP_S: Final = 0.02
_SWEEPS_PER_TIMEOUT: Final = 4
"""A connection is cut at most a quarter of its time-out late."""


class Peer(Protocol):
    """A connection, as the service sees it."""

    deadline: float
    """Loop time at which `expire` is due, or `NEVER`."""
    write_deadline: float
    """The same for a client that does not read."""

    def expire(self, now_s: float) -> None:
        """Act on a deadline that has passed."""
        ...

    def drain(self) -> None:
        """Close when idle, otherwise after the answer under way."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...


class Service:
    """One application served by one event loop."""

    def __init__(
        self, app: ASGI3, settings: Server, loop: asyncio.AbstractEventLoop, state: dict[str, Any] | None = None
    ) -> None:
        self.app = app
        self.settings = settings
        self.loop = loop
        self.state = state if state is not None else {}
        """What the application's lifespan left for its requests."""
        self.hosts = HostRule(settings.allowed_hosts)
        self.date_line = DateLine()
        self.access_log = AccessLog(loop) if settings.access_log else None
        self.connections: set[Peer] = set()
        self.running: dict[Hashable, asyncio.Task[None]] = {}
        """Exchange to the task that runs the application for it."""
        self.draining = False
        self._idle: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        shortest_s = min(
            settings.keep_alive_s, settings.head_timeout_s, settings.body_timeout_s, settings.write_timeout_s
        )
        self._sweep_s = min(max(shortest_s / _SWEEPS_PER_TIMEOUT, _MIN_SWEEP_S), _MAX_SWEEP_S)

    def start(self) -> None:
        """Begin to watch deadlines."""
        self._timer = self.loop.call_later(self._sweep_s, self._sweep)

    def _sweep(self) -> None:
        now_s = self.loop.time()
        due = [peer for peer in self.connections if peer.deadline <= now_s or peer.write_deadline <= now_s]
        for peer in due:
            peer.expire(now_s)
        self.start()

    def note_idle(self) -> None:
        """Wake `drain` when the last connection and the last request are gone."""
        if self._idle is not None and not self._idle.done() and not self.connections and not self.running:
            self._idle.set_result(None)

    async def drain(self, timeout_s: float) -> bool:
        """Let running requests finish; return whether all did before the time was over."""
        self.draining = True
        for peer in list(self.connections):
            peer.drain()
        if not self.connections and not self.running:
            return True
        self._idle = self.loop.create_future()
        done, _ = await asyncio.wait({self._idle}, timeout=timeout_s)
        return bool(done)

    async def stop(self, settle_s: float) -> None:
        """Cut what still runs, giving cancelled requests `settle_s` to put their books in order."""
        if self._timer is not None:
            self._timer.cancel()
        for peer in list(self.connections):
            peer.abort()
        tasks = set(self.running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=settle_s)
        if self.access_log is not None:
            await self.access_log.flush()
