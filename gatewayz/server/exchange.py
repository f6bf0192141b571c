"""One request and its answer: what an ASGI application receives from and sends to a connection."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

from gatewayz.server.access import AccessRecord, request_id_of
from gatewayz.server.asgi import ASGI3, ClientDisconnected, Message, Scope
from gatewayz.server.response import BODILESS, CHUNKED, SIZED, build_head
from gatewayz.server.service import Service

__all__ = ["Exchange", "Link"]

_logger = logging.getLogger(__name__)
_LEFT: Final = 499
"""Logged for a client that left before an answer began."""
_CHUNK_OVERHEAD_BYTES: Final = 64
"""Counted for each stored piece of a body, so that a flood of tiny chunks is bounded by its memory too."""


class Link(Protocol):
    """What an exchange needs of its connection."""

    service: Service
    write_paused: bool

    def write(self, parts: list[bytes]) -> None:
        """Send the parts, small ones as one write.

        Raises:
            ClientDisconnected: the connection is closing.
        """
        ...

    async def drained(self) -> None:
        """Wait until the client has read enough.

        Raises:
            ClientDisconnected: it never did.
        """
        ...

    def body_wanted(self, expects_continue: bool) -> None:
        """Let more of the body come, asking the client for it when it waits to be asked."""
        ...

    def exchange_ended(self, exchange: "Exchange") -> None:
        """The answer is complete."""
        ...

    def exchange_failed(self, exchange: "Exchange") -> None:
        """The application finished without a complete answer."""
        ...


class Exchange:
    """State of one request; also the `Hangup` that its scope carries."""

    __slots__ = (
        "_chunks",
        "_expects_continue",
        "_hangup",
        "_head_only",
        "_http10",
        "_last_given",
        "_left_bytes",
        "_link",
        "_mode",
        "_record",
        "_sent_bytes",
        "_start",
        "_waiters",
        "buffered_bytes",
        "ended",
        "head_sent",
        "keep",
        "lost",
        "received",
    )

    def __init__(self, link: Link, method: str, version: str, *, keep: bool, expects_continue: bool) -> None:
        self._link = link
        self._head_only = method == "HEAD"
        self._http10 = version == "1.0"
        self._expects_continue = expects_continue
        self._chunks: list[bytes] = []
        self._waiters: list[asyncio.Future[None]] | None = None
        self._hangup: Callable[[], None] | None = None
        self._start: tuple[int, Any] | None = None
        self._record: tuple[str, str, bytes, float] | None = None
        self._mode = BODILESS
        self._left_bytes = 0
        self._sent_bytes = 0
        self._last_given = False
        self.buffered_bytes = 0
        """Body received and not yet taken by the application."""
        self.keep = keep
        self.received = False
        """The body has arrived whole."""
        self.head_sent = False
        self.ended = False
        """The answer is complete."""
        self.lost = False
        """The client is gone."""

    def record_access(self, client: str, method: str, target: bytes, started_s: float) -> None:
        """Write an access record when the answer is complete, or will never be."""
        self._record = (client, method, target, started_s)

    def log_access(self, status: int, sent_bytes: int) -> None:
        """Write the access record, unless it has been written."""
        record, self._record = self._record, None
        service = self._link.service
        if record is not None and service.access_log is not None:
            client, method, target, started_s = record
            duration_s = service.loop.time() - started_s
            request_id = request_id_of(self._start[1]) if self._start is not None else ""
            service.access_log.add(AccessRecord(client, method, target, status, sent_bytes, duration_s, request_id))

    # -- the application's side ------------------------------------------------------------------

    async def run(self, app: ASGI3, scope: Scope) -> None:
        """Run the application, containing what it raises."""
        try:
            await app(scope, self.receive, self.send)
        except ClientDisconnected:
            pass  # the client's doing; `lose` has told whoever asked
        except Exception as error:  # the server goes on, whatever the application raises
            if not (self.lost and _tells_only_of_disconnect(error)):
                _logger.exception("the application failed on a request")
        finally:
            service = self._link.service
            service.running.pop(self, None)
            if not self.ended:
                self._link.exchange_failed(self)
                status = self._start[0] if self._start is not None else _LEFT
                self.log_access(status, self._sent_bytes)
            if service.draining:
                service.note_idle()

    async def receive(self) -> Message:
        """Return the next part of the body, then `http.disconnect` once the client is gone or the answer complete."""
        while not (self.lost or self.ended):
            if self._chunks or (self.received and not self._last_given):
                return self._take_body()
            if not self.received:
                expects, self._expects_continue = self._expects_continue, False
                self._link.body_wanted(expects)
            waiter = self._link.service.loop.create_future()
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters.append(waiter)
            await waiter
        return {"type": "http.disconnect"}

    def _take_body(self) -> Message:
        chunks = self._chunks
        body = b"".join(chunks) if len(chunks) != 1 else chunks[0]
        self._chunks = []
        self.buffered_bytes = 0
        self._last_given = self.received
        if not self.received:
            self._link.body_wanted(False)
        return {"type": "http.request", "body": body, "more_body": not self.received}

    async def send(self, message: Message) -> None:
        """Send a part of the answer; waits only while the client reads too slowly.

        Raises:
            ClientDisconnected: the client is gone.
            RuntimeError: messages out of order, or a body of another length than announced.
        """
        kind = message["type"]
        if kind == "http.response.body":
            more = message.get("more_body", False)
            self._send_body(message.get("body", b""), more)
            if more and self._link.write_paused:
                await self._link.drained()
        elif kind == "http.response.start":
            if self._start is not None:
                raise RuntimeError("the answer was already started")
            if self.lost:
                raise ClientDisconnected("the client is gone")
            self._start = (message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"message {kind!r} is not part of this protocol")

    def subscribe(self, callback: Callable[[], None]) -> None:
        """See `Hangup.subscribe`; one callback at a time."""
        if self.lost and not self.ended:
            callback()
        else:
            self._hangup = callback

    def unsubscribe(self) -> None:
        """See `Hangup.unsubscribe`."""
        self._hangup = None

    # -- the connection's side -------------------------------------------------------------------

    def add_body(self, chunk: bytes) -> None:
        """Store a part of the body."""
        if self.lost or self.ended:
            return
        self._expects_continue = False  # it did not wait for permission
        self._chunks.append(chunk)
        self.buffered_bytes += len(chunk) + _CHUNK_OVERHEAD_BYTES
        self._wake()

    def end_body(self) -> None:
        """Note that the body is whole."""
        self.received = True
        self._wake()

    def lose(self) -> None:
        """Note that the client is gone, and tell whoever asked to know."""
        if self.lost:
            return
        self.lost = True
        self._chunks = []
        self._wake()
        callback, self._hangup = self._hangup, None
        if callback is not None and not self.ended:
            try:
                callback()
            except Exception:  # somebody else's code: the connection must still end
                _logger.exception("a hang-up callback failed")

    def _wake(self) -> None:
        waiters = self._waiters
        if waiters is not None:
            self._waiters = None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    # -- the answer ------------------------------------------------------------------------------

    def _send_body(self, body: bytes, more: bool) -> None:
        if self.lost:
            raise ClientDisconnected("the client is gone")
        if self.ended:
            raise RuntimeError("the answer is already complete")
        parts: list[bytes] = []
        if not self.head_sent:
            self._open(parts, body, more)
        mode = self._mode
        if mode == SIZED:
            if len(body) > self._left_bytes or (not more and len(body) < self._left_bytes):
                raise RuntimeError("the body is not as long as its content-length")
            self._left_bytes -= len(body)
            parts.append(body)
        elif mode == CHUNKED:
            if body:
                parts += (b"%x\r\n" % len(body), body, b"\r\n")
            if not more:
                parts.append(b"0\r\n\r\n")
        elif mode != BODILESS:
            parts.append(body)
        if parts:  # an answer without a body may still be ended by an empty piece of it
            self._link.write(parts)
        self.head_sent = True
        self._sent_bytes += len(body)
        if not more:
            self._end()

    def _open(self, parts: list[bytes], body: bytes, more: bool) -> None:
        if self._start is None:
            raise RuntimeError("the answer's body was sent before its start")
        status, headers = self._start
        head = build_head(
            status,
            headers,
            date_line=self._link.service.date_line.read(),
            whole_length=None if more else len(body),
            to_head=self._head_only,
            http10=self._http10,
            # A body that nobody will read cannot be told from the next request: say that this is the last answer.
            close=not self.keep or self._link.service.draining or not self.received,
        )
        self.keep = not head.close
        self._mode = head.mode
        self._left_bytes = head.length
        parts.append(head.block)

    def _end(self) -> None:
        self.ended = True
        self._hangup = None
        self._wake()
        if self._record is not None and self._start is not None:
            self.log_access(self._start[0], self._sent_bytes)
        self._link.exchange_ended(self)


def _tells_only_of_disconnect(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return error.split(ClientDisconnected)[1] is None
    return isinstance(error, ClientDisconnected)
