"""Work that a process repeats until it stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import random
from typing import Final

from gatewayz.sdk.errors import GatewayzError

__all__ = ["Periodic"]

_JITTER: Final = 0.1
"""Pauses differ by so large a share, so that processes started together do not work together for ever."""

_log = logging.getLogger("gatewayz.jobs")


class Periodic:
    """Repeats a unit of work; a round that fails is told once, and the next one comes all the same.

    :param work: one round; may raise anything.
    :param every_s: seconds from the end of a round to the next.
    :param draw: random numbers in 0..1.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[object]], *, every_s: float, draw: Callable[[], float] = random
    ) -> None:
        self.name = name
        self._work = work
        self._every_s = every_s
        self._draw = draw
        self.error: str | None = None
        """What the last round failed with, None after a good one."""

    async def run(self) -> None:
        """Work until cancelled; the application runs this beside the requests."""
        while True:
            await self.round()
            await asyncio.sleep(self._every_s * (1 + _JITTER * (2 * self._draw() - 1)))

    async def round(self) -> bool:
        """Work once; return whether it went well. Never raises, but for being cancelled."""
        try:
            await self._work()
        except Exception as err:  # noqa: BLE001  a failed round must not end all later ones
            self._tell(err)
            return False
        if self.error is not None:
            _log.info("the job '%s' works again", self.name)
        self.error = None
        return True

    def _tell(self, err: Exception) -> None:
        is_ours = isinstance(err, GatewayzError)
        error = str(err) if is_ours else f"{type(err).__name__}: {err}"
        if error != self.error:
            _log.warning("the job '%s' failed: %s", self.name, error, exc_info=None if is_ours else err)
        self.error = error
