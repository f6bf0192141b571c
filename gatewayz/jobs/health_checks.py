"""Has health checks look, each at its own pace, under a lease: one process looks for all of them.

Of what is true of one machine only (its disk), one process of each machine looks. Source: decision 0151.
"""

import asyncio
import hashlib
import logging
import socket
from collections.abc import Callable, Mapping
from functools import partial
from random import random
from typing import Final, Protocol

from gatewayz.config.sections.health import HealthEntry
from gatewayz.domain.health.readings import Readings
from gatewayz.jobs.leased import Leased, LeaseStore
from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.interfaces import HealthCheck, Reading

__all__ = ["HealthChecks", "RecordProbe"]

_TICK_S: Final = 0.5
_LOOKS: Final = 4
"""How often a process sees in one interval whether a check is due."""
_JITTER: Final = 0.2
_LEASE_SPARE_S: Final = 30.0

_log = logging.getLogger("gatewayz.health")


class RecordProbe(Protocol):
    """Takes a look at an offer into the record of traffic."""

    def __call__(
        self, provider: str, model: str, *, ok: bool, duration_ms: float | None = None, error_code: str | None = None
    ) -> None:
        """Count it."""
        ...


class HealthChecks:
    """All checks of the configuration in force.

    :param checks: by name, with their entries.
    :param record_probe: is told of looks at an offer.
    """

    def __init__(
        self,
        checks: Callable[[], Mapping[str, tuple[HealthCheck, HealthEntry]]],
        readings: Readings,
        record_probe: RecordProbe,
        leases: LeaseStore,
        clock: Clock,
        *,
        holder: str,
        host: str = "",
        draw: Callable[[], float] = random,
    ) -> None:
        self._checks = checks
        self._readings = readings
        self._record_probe = record_probe
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._host = host or _machine()
        self._draw = draw
        self._next: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def periodic(self) -> Periodic:
        """Return the job; each process runs one."""
        return Periodic("look after health checks", self.look, every_s=_TICK_S)

    async def look(self) -> None:
        """Begin the checks whose time has come; does not wait for them."""
        now = self._clock.monotonic()
        for name, (check, entry) in self._checks().items():
            if name not in self._running and now >= self._next.get(name, 0.0):
                self._next[name] = now + entry.interval_s / _LOOKS * (1 + _JITTER * (2 * self._draw() - 1))
                task = asyncio.get_running_loop().create_task(self._look_at(name, check, entry))
                self._running[name] = task
                task.add_done_callback(partial(self._finished, name))

    async def aclose(self) -> None:
        """Stop what runs."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def join(self) -> None:
        """Wait for what was begun."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _look_at(self, name: str, check: HealthCheck, entry: HealthEntry) -> None:
        place = self._host if getattr(check, "is_local", False) else ""
        leased = Leased(
            f"health check {name}" + (f" at {place}" if place else ""),
            partial(self._probe, name, place, check, entry),
            self._leases,
            self._clock,
            holder=self._holder,
            every_s=entry.interval_s,
            lease_s=entry.deadline_s + _LEASE_SPARE_S,
        )
        await leased.work_if_due()

    async def _probe(self, name: str, place: str, check: HealthCheck, entry: HealthEntry) -> None:
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(entry.deadline_s):
                reading = await check.probe()
        except TimeoutError:
            reading = Reading(state="down", detail=f"no answer within {entry.deadline_s:g} s")
        took_ms = (self._clock.monotonic() - started) * 1000
        if reading.provider and reading.model:
            is_ok = reading.state != "down"
            error = None if is_ok else "PROBE_FAILED"
            self._record_probe(reading.provider, reading.model, ok=is_ok, duration_ms=took_ms, error_code=error)
        await self._readings.take(name, place, entry.use, reading)

    def _finished(self, name: str, task: "asyncio.Task[None]") -> None:
        self._running.pop(name, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, StoreUnavailable):  # of the store, /health tells by itself
            _log.error("health check %r could not be run", name, exc_info=error)


def _machine() -> str:
    """Return a name of this machine that tells it apart and gives nothing of it away: health pages are public."""
    return "machine-" + hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
