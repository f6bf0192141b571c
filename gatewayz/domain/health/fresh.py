"""Answers that all who ask at a time share, and that are used again for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gatewayz.sdk.clock import Clock

__all__ = ["Fresh"]

T = TypeVar("T")


class Fresh(Generic[T]):
    """Asks once for everybody: a flood of health requests costs as much as one every `kept_s`.

    :param kept_s: seconds for which an answer is used again; a failure is not.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], clock: Clock, *, kept_s: float) -> None:
        self._ask = ask
        self._clock = clock
        self._kept_s = kept_s
        self._asking: asyncio.Task[T] | None = None
        self._until = 0.0

    async def get(self) -> T:
        """Return the answer, at most `kept_s` old. Raises what asking raises."""
        asking = self._asking
        if asking is None or (asking.done() and self._is_stale(asking)):
            asking = self._asking = asyncio.get_running_loop().create_task(self._answer())
        return await asyncio.shield(asking)

    async def _answer(self) -> T:
        answer = await self._ask()
        self._until = self._clock.monotonic() + self._kept_s
        return answer

    def _is_stale(self, asked: "asyncio.Task[T]") -> bool:
        return asked.cancelled() or asked.exception() is not None or self._clock.monotonic() >= self._until
