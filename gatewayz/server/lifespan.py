"""The application's start and stop, as ASGI's lifespan protocol has it.

Source: ASGI specification, Lifespan Protocol 2.0.
"""

import asyncio
import logging
from typing import Any

from gatewayz.server.asgi import ASGI3, Message

__all__ = ["Lifespan", "LifespanError"]

_logger = logging.getLogger(__name__)


class LifespanError(RuntimeError):
    """The application could not start, or did not in time."""


class Lifespan:
    """Runs one application's lifespan; an application without one is served all the same."""

    def __init__(self, app: ASGI3, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._asked = False
        self._started: asyncio.Future[str | None] | None = None
        """Resolves to None, or to why the start failed."""
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, timeout_s: float) -> None:
        """Return when the application is ready.

        Raises:
            LifespanError: it failed to start, or took longer than `timeout_s`.
        """
        loop = asyncio.get_running_loop()
        self._started = loop.create_future()
        self._task = loop.create_task(self._run(self._started))
        self._events.put_nowait({"type": "lifespan.startup"})
        done, _ = await asyncio.wait({self._started}, timeout=timeout_s)
        failure = self._started.result() if done else f"the application was not ready after {timeout_s:g} s"
        if failure is not None:
            await self._cancel()
            raise LifespanError(failure)

    async def stop(self, timeout_s: float) -> None:
        """Let the application close what it holds."""
        if self._task is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        waiting = asyncio.ensure_future(self._stopped.wait())
        done, _ = await asyncio.wait({waiting, self._task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not done:
            _logger.warning("the application did not close within %g s", timeout_s)
        await self._cancel()

    async def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self, started: asyncio.Future[str | None]) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:  # told to whoever starts or stops the server
            if not started.done() and self._asked:
                _logger.exception("the application failed to start")
                started.set_result(f"the application failed to start: {error!r}")
            elif started.done():
                _logger.exception("the application's lifespan failed")
        finally:
            if not started.done():
                started.set_result(None)  # it has no lifespan: the specification says to go on
            self._stopped.set()

    async def _receive(self) -> Message:
        self._asked = True
        return await self._events.get()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        started = self._started
        if started is not None and not started.done():
            if kind == "lifespan.startup.complete":
                started.set_result(None)
            elif kind == "lifespan.startup.failed":
                started.set_result(message.get("message") or "the application reported that it could not start")
        elif kind == "lifespan.shutdown.failed":
            _logger.error("the application failed to close: %s", message.get("message", ""))
            self._stopped.set()
        elif kind == "lifespan.shutdown.complete":
            self._stopped.set()
