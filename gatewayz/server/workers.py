"""Several processes on one port: a supervisor that owns the sockets, starts workers and replaces the dead.

The supervisor serves nothing itself. Each worker is a fresh interpreter that imports the application's
factory, so nothing is inherited by chance; its standard input is its lifeline: when the supervisor dies,
it ends, and the worker drains.
Source: decision 0011.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from gatewayz.config.sections.serving import Server
from gatewayz.server.lifespan import LifespanError
from gatewayz.server.run import Ready
from gatewayz.server.sockets import bind_group, list_addresses

__all__ = ["WorkOrder", "WorkersFailedError", "run_workers"]

_logger = logging.getLogger(__name__)

_BACK_OFF_FIRST_S: Final = 0.1
_BACK_OFF_MAX_S: Final = 5.0
_HEALTHY_AFTER_S: Final = 10.0
"""A worker that lived this long is replaced at once; others ever more slowly."""
_FIRST_START_ATTEMPTS: Final = 3
_EXTRA_STOP_S: Final = 15.0
"""Beyond the graceful time-out, before a worker that does not end is killed."""


class WorkersFailedError(LifespanError):
    """No worker could be started."""


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told on its standard input, as one line of JSON."""

    factory: str
    arguments: tuple[str, ...]
    settings: Server
    descriptors: tuple[int, ...]
    """Listening sockets it has inherited."""
    ready_descriptor: int
    """Where it writes a byte when it answers requests."""


def run_workers(factory: str, settings: Server, *, arguments: Sequence[str] = (), ready: Ready | None = None) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT; SIGHUP is passed on to all of them.

    `factory` is `package.module:function`; each worker calls it with `arguments` and serves the ASGI
    application it returns. `ready` is called once, when all workers answer.

    Raises:
        OSError: the address cannot be bound.
        WorkersFailedError: a worker died again and again before all were ready for the first time.
    """
    group = bind_group(settings.host, settings.port, settings.workers)
    with asyncio.Runner() as runner:
        runner.run(_Supervisor(factory, settings, arguments, group, ready).run())


class _Supervisor:
    def __init__(
        self,
        factory: str,
        settings: Server,
        arguments: Sequence[str],
        group: list[list[socket.socket]],
        ready: Ready | None,
    ) -> None:
        self._factory = factory
        self._settings = settings
        self._arguments = tuple(arguments)
        self._group = group
        self._ready = ready
        self._stop = asyncio.Event()
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        """Worker number to its process."""
        self._ready_workers: set[int] = set()
        self._all_ready = False
        self._failed = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._signal_all, signal.SIGHUP)
        keepers = [loop.create_task(self._keep(worker)) for worker in range(self._settings.workers)]
        try:
            await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        if self._failed:
            raise WorkersFailedError("the workers could not be started; their own messages say why")

    def _on_stop(self) -> None:
        """Stop accepting and let the workers drain; at the second signal they cut their requests off."""
        self._stop.set()
        for sockets in self._group:
            for sock in sockets:
                sock.close()
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            _send_signal(process, number)

    async def _keep(self, worker: int) -> None:
        """Keep one worker alive until the supervisor stops."""
        loop = asyncio.get_running_loop()
        back_off_s = 0.0
        failures = 0
        while not self._stop.is_set():
            started_s = loop.time()
            code = await self._live(worker)
            if self._stop.is_set():
                return
            failures += 1
            _logger.error("worker %d ended with %s and is replaced", worker, _describe_exit(code))
            if not self._all_ready and failures >= _FIRST_START_ATTEMPTS:
                self._failed = True
                self._on_stop()
                return
            healthy = loop.time() - started_s >= _HEALTHY_AFTER_S
            back_off_s = 0.0 if healthy else min(max(back_off_s * 2, _BACK_OFF_FIRST_S), _BACK_OFF_MAX_S)
            await self._pause(back_off_s)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            stopping = asyncio.ensure_future(self._stop.wait())
            await asyncio.wait({stopping}, timeout=seconds)
            stopping.cancel()

    async def _live(self, worker: int) -> int:
        """Run a worker process from start to end; return its exit code."""
        ready_pipe, ready_end = os.pipe()
        order = WorkOrder(
            factory=self._factory,
            arguments=self._arguments,
            settings=self._settings,
            descriptors=tuple(sock.fileno() for sock in self._group[worker]),
            ready_descriptor=ready_end,
        )
        loop = asyncio.get_running_loop()
        loop.add_reader(ready_pipe, self._on_ready, worker, ready_pipe)
        try:
            process = await self._start(order)
        finally:
            os.close(ready_end)
        self._processes[worker] = process
        try:
            if self._stop.is_set():
                _send_signal(process, signal.SIGTERM)
            return await self._wait(process)
        finally:
            if process.returncode is None:
                process.kill()
            del self._processes[worker]
            loop.remove_reader(ready_pipe)
            os.close(ready_pipe)

    async def _start(self, order: WorkOrder) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gatewayz.server.worker",
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(*order.descriptors, order.ready_descriptor),
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which passes it on once
        )
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(order) + b"\n")
        return process

    def _on_ready(self, worker: int, ready_pipe: int) -> None:
        if not os.read(ready_pipe, 1):
            asyncio.get_running_loop().remove_reader(ready_pipe)  # it ended
            return
        self._ready_workers.add(worker)
        if len(self._ready_workers) == self._settings.workers and not self._all_ready:
            self._all_ready = True
            if self._ready is not None and not self._stop.is_set():
                self._ready(list_addresses(self._group[0]))

    async def _wait(self, process: asyncio.subprocess.Process) -> int:
        """Wait for the process to end, killing it when it outlives the graceful time-out."""
        ending = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                await asyncio.wait({ending}, timeout=self._settings.graceful_timeout_s + _EXTRA_STOP_S)
            if not ending.done():
                _logger.error("worker process %d did not end in time and is killed", process.pid)
                process.kill()
            return await ending
        finally:
            stopping.cancel()


def _send_signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


def _describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
