"""Notice that the client has gone, and stop the work done for it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from gatewayz.web.asgi import Receive, Scope

__all__ = ["HangUp", "HangUpSignal"]


class HangUpSignal(Protocol):
    """What our own server offers in `scope["extensions"]["gatewayz.hangup"]`: no task, no polling."""

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call back once, when the connection is lost before the answer is complete."""
        ...

    def unsubscribe(self) -> None:
        """Forget the callback."""
        ...


class HangUp:
    """Cancels the current task when the client leaves.

    On a server without the extension a small task waits for `http.disconnect` instead.
    """

    __slots__ = ("_receive", "_signal", "_task", "_watcher", "has_happened")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._signal: HangUpSignal | None = scope.get("extensions", {}).get("gatewayz.hangup")
        self._receive = receive
        self._task: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.has_happened = False

    def watch(self) -> None:
        """Begin, once the body has been read."""
        self._task = asyncio.current_task()
        if self._signal is not None:
            self._signal.subscribe(self._happened)
        else:
            self._watcher = asyncio.get_running_loop().create_task(self._wait())

    def forget(self) -> None:
        """End; the task is not cancelled any more."""
        self._task = None
        if self._signal is not None:
            self._signal.unsubscribe()
        if self._watcher is not None:
            self._watcher.cancel()

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._happened()

    def _happened(self) -> None:
        self.has_happened = True
        if self._task is not None:
            self._task.cancel()
