"""Answers of the hub, kept: fresh ones are used, stale ones when the hub cannot be asked, one asker at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import UpstreamError, UpstreamUnreachable

__all__ = ["Answers"]

Fetch = Callable[[str], Awaitable[bytes | None]]
"""A path to the body there, None where the hub has nothing. Raises UpstreamError."""


class _Kept(msgspec.Struct, kw_only=True):
    body: bytes | None
    fetched_at: float


class Answers:
    """At most `max_bytes` of bodies, the least used forgotten first."""

    def __init__(
        self, fetch: Fetch, clock: Clock, *, fresh_s: float, stale_s: float, pause_s: float, max_bytes: int
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._pause_s = pause_s
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._asking: dict[str, asyncio.Task[bytes | None]] = {}
        self._paused_until = float("-inf")

    async def get(self, path: str) -> bytes | None:
        """Return the body at a path, None where the hub has nothing. Raises UpstreamError."""
        kept = self._kept.get(path)
        if kept is not None:
            self._kept.move_to_end(path)
            if self._clock.monotonic() - kept.fetched_at < self._fresh_s:
                return kept.body
        try:
            return await self._ask(path)
        except UpstreamError:
            if kept is not None and self._clock.monotonic() - kept.fetched_at < self._stale_s:
                return kept.body
            raise

    async def aclose(self) -> None:
        """Stop asking."""
        for task in list(self._asking.values()):
            task.cancel()

    async def _ask(self, path: str) -> bytes | None:
        task = self._asking.get(path)
        if task is None:
            if self._clock.monotonic() < self._paused_until:
                raise UpstreamUnreachable("the model hub could not be reached a moment ago")
            task = self._asking[path] = asyncio.get_running_loop().create_task(self._fetch_and_keep(path))
            task.add_done_callback(lambda _: self._asking.pop(path, None))
        # A caller that leaves must not take the answer away from the others.
        return await asyncio.shield(task)

    async def _fetch_and_keep(self, path: str) -> bytes | None:
        try:
            body = await self._fetch(path)
        except UpstreamError:
            self._paused_until = self._clock.monotonic() + self._pause_s
            raise
        self._keep(path, _Kept(body=body, fetched_at=self._clock.monotonic()))
        return body

    def _keep(self, path: str, kept: _Kept) -> None:
        before = self._kept.pop(path, None)
        self._bytes += _weight(path, kept) - (0 if before is None else _weight(path, before))
        self._kept[path] = kept
        while self._bytes > self._max_bytes and self._kept:
            dropped, what = self._kept.popitem(last=False)
            self._bytes -= _weight(dropped, what)


def _weight(path: str, kept: _Kept) -> int:
    return len(path) + len(kept.body or b"") + 200
