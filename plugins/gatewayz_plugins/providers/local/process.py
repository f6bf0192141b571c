"""Keeps the model's process running: starts it, waits until it answers, starts it anew when it dies."""

import asyncio
import contextlib
import logging
import secrets
import sys
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import UpstreamOverloaded
from gatewayz_plugins.providers.local import worker
from gatewayz_plugins.providers.local.worker import Order, Started

__all__ = ["Endpoint", "ModelProcess", "RestartPolicy"]

STOP_LIMIT_S: Final = 2.0
"""Between closing the process's input and killing it."""
STEADY_S: Final = 60.0
"""A process that lived this long has worked: the next restart is quick again."""
KEPT_LOG_LINES: Final = 20


class Endpoint(NamedTuple):
    """Where the model answers, and the key it wants."""

    port: int
    api_key: str


class RestartPolicy(NamedTuple):
    """Seconds: how long a start may take, and the wait before the next one."""

    start_limit_s: float
    delay_s: float
    delay_max_s: float


class ModelProcess:
    """One child process at a time.

    :param order: makes the order for a start with a new random key.
    """

    def __init__(
        self, order: Callable[[str], Order], policy: RestartPolicy, clock: Clock, logger: logging.Logger
    ) -> None:
        self._order = order
        self._policy = policy
        self._clock = clock
        self._logger = logger
        self._endpoint: Endpoint | None = None
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._log: deque[str] = deque(maxlen=KEPT_LOG_LINES)

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the model answers now, None while it does not."""
        return self._endpoint

    def start(self) -> None:
        """Begin; returns at once. Needs a running event loop."""
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep(), name="local-model")

    async def wait_ready(self, limit_s: float) -> Endpoint:
        """Return where the model answers. Raises UpstreamOverloaded when it does not within `limit_s`."""
        if self._endpoint is None and self._keeper is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._ready.wait()
        if self._endpoint is None:
            raise UpstreamOverloaded("the local model is not running yet", retry_after_s=1.0)
        return self._endpoint

    async def aclose(self) -> None:
        """Stop the process and return when it is gone."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def _keep(self) -> None:
        delay_s = self._policy.delay_s
        while True:
            began = self._clock.monotonic()
            try:
                await self._run_once()
            except (OSError, ValueError, TimeoutError, msgspec.DecodeError) as err:
                self._logger.warning("the local model did not start: %s%s", str(err) or "time limit", self._tail())
            if self._clock.monotonic() - began > STEADY_S:
                delay_s = self._policy.delay_s
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self._policy.delay_max_s)

    async def _run_once(self) -> None:
        """Start one process and stay with it to its end."""
        api_key = secrets.token_urlsafe(24)
        self._log.clear()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            worker.__file__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        reader = asyncio.create_task(self._keep_log(process))
        try:
            await self._begin(process, api_key)
            code = await process.wait()
            self._logger.warning("the local model's process ended with code %s%s", code, self._tail())
        finally:
            self._endpoint = None
            self._ready.clear()
            await asyncio.shield(_stop(process))
            reader.cancel()

    async def _begin(self, process: asyncio.subprocess.Process, api_key: str) -> None:
        if process.stdin is None or process.stdout is None:
            raise OSError("the process has no pipes")
        async with asyncio.timeout(self._policy.start_limit_s):
            process.stdin.write(msgspec.json.encode(self._order(api_key)) + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer:
            raise OSError("the process ended before the model was loaded")
        started = msgspec.json.decode(answer, type=Started)
        self._endpoint = Endpoint(started.port, api_key)
        self._ready.set()
        self._logger.info("the local model answers on port %d (process %d)", started.port, process.pid)

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is None:
            return
        while line := await process.stderr.readline():
            text = line.decode("utf-8", "replace").rstrip()
            self._log.append(text)
            self._logger.debug("%s", text)

    def _tail(self) -> str:
        return "".join(f"\n  {line}" for line in self._log)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
