"""Stand-ins for what a plugin is given: a clock that is set, a client that answers what it was told."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import Headers, HttpClient, HttpReply, HttpRequest, Timeouts

__all__ = ["Answer", "FakeClock", "FakeHttpClient", "FakeReply", "plugin_context"]


class FakeClock:
    """A clock that moves when told."""

    def __init__(self, now: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._monotonic

    def now(self) -> datetime:
        """The wall clock."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move both clocks."""
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Answer:
    """What an upstream answers; each piece arrives on its own."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Headers = ((b"content-type", b"application/json"),)
    ending: Literal["complete", "cut", "hang"] = "complete"


@dataclass
class FakeReply:
    """An answer that hands out its pieces exactly as they were given."""

    answer: Answer
    is_closed: bool = False
    _next: int = 0
    status: int = field(init=False)
    headers: Headers = field(init=False)

    def __post_init__(self) -> None:
        self.status = self.answer.status
        self.headers = self.answer.headers

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """See `HttpReply.read`."""
        while self._next < len(self.answer.pieces):
            piece = self.answer.pieces[self._next]
            self._next += 1
            if piece:
                return piece
        if self.answer.ending == "cut":
            raise UpstreamBroken("the connection was cut")
        if self.answer.ending == "hang":
            await asyncio.sleep(3600 if wait_s is None else wait_s)
            return None
        return b""

    async def read_all(self, limit: int) -> bytes:
        """See `HttpReply.read_all`."""
        body = b""
        while piece := await self.read():
            body += piece
            if len(body) > limit:
                raise UpstreamBroken("the body is longer than the limit")
        return body

    def close(self) -> None:
        """See `HttpReply.close`."""
        self.is_closed = True


class FakeHttpClient:
    """Answers without a socket and remembers what it was asked."""

    def __init__(self, answer: Answer | Callable[[HttpRequest], Answer]) -> None:
        self.answer = answer
        self.requests: list[HttpRequest] = []
        self.timeouts: list[Timeouts] = []
        self.replies: list[FakeReply] = []

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        """See `HttpClient.send`."""
        self.requests.append(request)
        self.timeouts.append(timeouts)
        answer = self.answer(request) if callable(self.answer) else self.answer
        reply = FakeReply(answer)
        self.replies.append(reply)
        return reply


def plugin_context(http: HttpClient, *, instance: str = "contract", data_dir: Path | None = None) -> PluginContext:
    """Return a context with a set clock and a logger of its own."""
    return PluginContext(
        instance=instance,
        http=http,
        clock=FakeClock(),
        logger=logging.getLogger(f"gatewayz.plugins.{instance}"),
        data_dir=data_dir or Path("/nonexistent/plugin-data"),
    )
