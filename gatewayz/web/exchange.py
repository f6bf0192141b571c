"""One request's answer on the wire, and the keep-alive of its silent streams."""

import asyncio
from typing import Final

from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Reply
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.wire import Format
from gatewayz.web.asgi import HeaderList, Send
from gatewayz.web.errors import error_headers, render_error, render_error_event

__all__ = ["Exchange", "KeepAlive"]

_STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Exchange:
    """Writes one answer. The head goes out with the first bytes of the body."""

    __slots__ = (
        "_clock",
        "_cors",
        "_has_begun",
        "_is_events",
        "_send",
        "format",
        "last_write",
        "request_id",
        "started",
        "status",
    )

    def __init__(self, send: Send, format: Format, request_id: str, clock: Clock, cors: HeaderList) -> None:
        self._send = send
        self._clock = clock
        self._cors = cors
        self._has_begun = False
        self._is_events = True
        self.status: int | None = None
        """Of the answer, once it has begun."""
        self.format = format
        self.request_id = request_id
        self.started = self.last_write = clock.monotonic()

    async def send_whole(self, reply: Reply, body: bytes) -> None:
        """Send a complete answer; into a stream that a keep-alive has begun it cannot come."""
        headers = self._headers(reply)
        headers.append((b"content-type", reply.content_type))
        headers.append((b"content-length", str(len(body)).encode()))
        await self._begin(200, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def send_block(self, reply: Reply, block: bytes) -> None:
        """Send the next events of a stream, or the next piece of sound, the head before the first."""
        if not self._has_begun:
            self._is_events = reply.content_type.startswith(b"text/event-stream")
            head = _STREAM_HEADERS if self._is_events else ((b"content-type", reply.content_type), *_STREAM_HEADERS[1:])
            await self._begin(200, [*self._headers(reply), *head])
        await self._body(block)

    async def send_comment(self, comment: bytes) -> None:
        """Send a keep-alive, beginning the stream when nothing has been sent yet."""
        if not self._has_begun:
            await self._begin(200, [*self._identity(), *self._cors, *_STREAM_HEADERS])
        await self._body(comment)

    async def end(self) -> None:
        """End a stream."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send_error(self, error: GatewayzError) -> None:
        """Send an error: a JSON answer, or an event in a stream that has begun.

        Sound that has begun has no room for one: it is left without an end, and the server cuts the connection.
        """
        if self._has_begun:
            if not self._is_events:
                return
            await self._body(render_error_event(error, self.format))
            await self.end()
            return
        body = render_error(error, self.format, self.request_id)
        headers = [*self._identity(), *self._cors, *error_headers(error)]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(body)).encode()))
        await self._begin(error.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    def _headers(self, reply: Reply) -> HeaderList:
        return [*self._identity(), *self._cors, *reply.facts.items()]

    def _identity(self) -> HeaderList:
        request_id = self.request_id.encode()
        return [(b"x-request-id", request_id), (b"request-id", request_id), (b"x-correlation-id", request_id)]

    async def _begin(self, status: int, headers: HeaderList) -> None:
        self._has_begun = True
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, block: bytes) -> None:
        self.last_write = self._clock.monotonic()
        await self._send({"type": "http.response.body", "body": block, "more_body": True})


class KeepAlive:
    """Looks once a second at the calls under way and writes into streams that were silent for too long.

    One task for all streams: nothing is scheduled per request. A call is known to be a stream by its
    own body, read again only after its first silent interval.
    """

    def __init__(self, interval_s: float = 1.0) -> None:
        self._interval_s = interval_s
        self._guarded: dict[Exchange, tuple[Edition, bytes]] = {}
        self._writes: set[asyncio.Task[None]] = set()

    def add(self, exchange: Exchange, edition: Edition, body: bytes) -> None:
        """Keep the exchange alive from now on."""
        self._guarded[exchange] = (edition, body)

    def remove(self, exchange: Exchange) -> None:
        """Stop keeping it alive; may be called for one that was never added."""
        self._guarded.pop(exchange, None)

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await asyncio.sleep(self._interval_s)
            self.tick()

    def tick(self) -> None:
        """Write where silence has lasted for the configured time."""
        for exchange, (edition, body) in list(self._guarded.items()):
            now = edition.clock.monotonic()
            if now - exchange.last_write < edition.settings.streams.keep_alive_s:
                continue
            exchange.last_write = now
            dialect = edition.dialects.get(exchange.format)
            if dialect is not None and dialect.read_head(body).stream:
                self._write(exchange, dialect.keep_alive)

    def _write(self, exchange: Exchange, comment: bytes) -> None:
        task = asyncio.get_running_loop().create_task(exchange.send_comment(comment))
        self._writes.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # a client that is gone is noticed by its own request
