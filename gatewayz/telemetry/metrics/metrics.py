"""The figures of all processes on this machine. Source: docs/decisions/0155-metrics-of-several-processes.md."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import msgspec

from gatewayz.domain.observation.totals import by_provider
from gatewayz.domain.observation.traffic import Condition, Traffic
from gatewayz.sdk.clock import Clock
from gatewayz.telemetry.metrics.collect import Sources, take
from gatewayz.telemetry.metrics.snapshot import Figures, Reading, Snapshot, add_up
from gatewayz.telemetry.metrics.worker_files import WorkerFiles

__all__ = ["Metrics"]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Snapshot).decode
_WINDOW_MIN: Final = 15
_AVAILABLE: Final[dict[Condition, float]] = {"healthy": 1.0, "degraded": 0.5, "down": 0.0}


class Metrics:
    """Reads the figures of this process, and those that the other workers tell.

    :param check_database: None when it answers, else what is wrong; never raises.
    :param files: where workers tell each other; None for a process that is alone.
    """

    def __init__(
        self,
        sources: Sources,
        clock: Clock,
        check_database: Callable[[], Awaitable[str | None]],
        files: WorkerFiles | None = None,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._check_database = check_database
        self._files = files
        self._telling = asyncio.Lock()
        """An older snapshot never replaces a newer one."""

    async def share(self) -> None:
        """Tell the other workers the figures of now; meant to be repeated every second. Raises OSError."""
        if self._files is not None:
            async with self._telling:
                await asyncio.to_thread(self._files.write, _encode(self._take()))

    async def figures(self) -> Figures:
        """Return the sum over the workers: this one's of now, the others' at most a second old.

        What is returned was told to the others first: no later sum, of whichever worker, is below it.
        Raises OSError.
        """
        common = [*self._common(), Reading("database_up", float(await self._check_database() is None))]
        async with self._telling:
            own = self._take()
            others = [] if self._files is None else await asyncio.to_thread(_exchange, self._files, own)
        own.readings.extend(common)
        return add_up([own, *others], own.at)

    def _take(self) -> Snapshot:
        return take(self._sources, self._clock.now().timestamp())

    def _common(self) -> Iterator[Reading]:
        """Yield what every process knows of all: the record of traffic is one."""
        observation = self._sources.observation
        for provider, traffic in by_provider(observation.recent(_WINDOW_MIN)).items():
            rate = _error_rate(traffic)
            if rate is not None:
                yield Reading("provider_error_rate", rate, (provider,))
        for provider in {provider for provider, _ in observation.states()}:
            available = _AVAILABLE.get(observation.condition(provider=provider))
            if available is not None:
                yield Reading("provider_availability", available, (provider,))


def _exchange(files: WorkerFiles, own: Snapshot) -> list[Snapshot]:
    files.write(_encode(own))
    return [_decode(content) for content in files.others()]


def _error_rate(traffic: Traffic) -> float | None:
    judged = traffic.successes + traffic.faults
    return traffic.faults / judged if judged else None
