"""One socket to a provider: carries one exchange at a time and waits in the pool between them."""

import socket
from asyncio import AbstractEventLoop, BaseTransport, Future, Protocol, TimerHandle, Transport
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpResponseParser

from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import BodySource
from gatewayz.upstream.exchange import Exchange

if TYPE_CHECKING:
    from gatewayz.upstream.pool import Pool

__all__ = ["Connection"]

JOINED_BYTES: Final = 64 * 1024
"""Up to here copying a body behind its head is cheaper than a second system call."""
KEEP_ALIVE_PROBE_S: Final = 30
"""Long silent answers cross NAT boxes that forget quiet connections."""


class Connection(Protocol):
    """Times are the event loop's."""

    __slots__ = (
        "_exchange",
        "_is_paused",
        "_loop",
        "_may_write",
        "_parser",
        "_pool",
        "_timer",
        "_timer_at",
        "_transport",
        "exchanges",
        "expires_at",
        "is_lost",
    )

    def __init__(self, pool: "Pool", loop: AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._transport: Transport | None = None
        self._exchange: Exchange | None = None
        self._parser: HttpResponseParser | None = None
        self._is_paused = False
        self._may_write: Future[None] | None = None
        self._timer: TimerHandle | None = None
        self._timer_at = 0.0
        self.exchanges = 0
        """How many were begun on it."""
        self.expires_at = 0.0
        """When it is too old to be used again."""
        self.is_lost = False

    # --- for the pool and the engine ---

    def is_usable(self) -> bool:
        """True when a request may be written to it."""
        return self._transport is not None and not self._transport.is_closing()

    def start(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Send a request; its answer goes to the exchange."""
        self.exchanges += 1
        if not self.is_usable():
            exchange.lost(None)
            return
        transport = cast("Transport", self._transport)
        self._exchange = exchange
        self._parser = HttpResponseParser(exchange)
        if len(body) <= JOINED_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self.wake_at(exchange.first_deadline())

    async def upload(self, exchange: Exchange, body: BodySource) -> None:
        """Send the body of the request begun, at the provider's pace; ends early when the answer is there.

        Raises what reading the body raises.
        """
        exchange.is_clean = False  # a request that was not sent to its end leaves nothing to be used again
        async for piece in body.pieces():
            if exchange.is_answered or not self.is_usable():
                return
            cast("Transport", self._transport).write(piece)
            if self._may_write is not None:
                await self._may_write
            exchange.sent_more(self._loop.time())
        exchange.is_clean = not exchange.is_answered

    def close(self) -> None:
        """Close an idle connection politely."""
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Abort, whatever is under way."""
        if self._exchange is not None:
            self._exchange.fail(UpstreamBroken("the HTTP client was closed"))
        else:
            self.cut()

    # --- for the exchange ---

    def parsed_status(self) -> int:
        """Status of the head just parsed."""
        return cast("HttpResponseParser", self._parser).get_status_code()

    def parsed_keep_alive(self) -> bool:
        """Whether the answer just completed leaves the connection open."""
        return cast("HttpResponseParser", self._parser).should_keep_alive()

    def cut(self) -> None:
        """Abort at once; the provider sees a reset or an end."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Read from the socket again."""
        if self._is_paused:
            self._is_paused = False
            if self.is_usable():
                cast("Transport", self._transport).resume_reading()

    def wake_at(self, when: float) -> None:
        """See to it that the exchange's limits are checked at `when` or before.

        The one timer is moved only to be earlier: a busy connection sets it about once a minute.
        """
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._exchange is not None:
            when = self._exchange.check_time(self._loop.time())
            if when is not None and self._exchange is not None:
                self.wake_at(when)

    # --- events of the transport ---

    def pause_writing(self) -> None:
        """The provider reads more slowly than the body comes."""
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        waiting, self._may_write = self._may_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def connection_made(self, transport: BaseTransport) -> None:
        """Set the socket up."""
        self._transport = cast("Transport", transport)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_KEEPIDLE"):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_PROBE_S)

    def data_received(self, data: bytes) -> None:
        """Feed the parser. Bytes that nobody asked for end the connection."""
        exchange = self._exchange
        if exchange is None:
            self.cut()
            return
        exchange.got_bytes = True
        try:
            cast("HttpResponseParser", self._parser).feed_data(data)
        except HttpParserError as error:
            exchange.is_clean = False
            if not exchange.is_done:
                broken = UpstreamBroken("the provider does not speak HTTP/1.1")
                broken.__cause__ = error
                exchange.fail(broken)
        is_full = exchange.fed(len(data))
        if self._may_write is not None and exchange.is_answered:
            self.resume_writing()  # the upload ends: a provider that has answered need not read on
        if is_full and not exchange.is_done and not self._is_paused and self.is_usable():
            self._is_paused = True
            cast("Transport", self._transport).pause_reading()
        if exchange.is_done and self._exchange is exchange:
            self._finish(exchange)

    def eof_received(self) -> bool:
        """The provider has said all it will: close, which ends a body without length."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever still waits."""
        self.is_lost = True
        self.resume_writing()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        exchange, self._exchange, self._parser = self._exchange, None, None
        self._pool.lost(self)
        if exchange is not None:
            exchange.lost(exc)

    def _finish(self, exchange: Exchange) -> None:
        transport = cast("Transport", self._transport)
        keep = exchange.is_clean and transport.get_write_buffer_size() == 0 and not transport.is_closing()
        exchange.released()
        self._exchange = self._parser = None
        if not keep:
            self.cut()
            return
        self.resume()
        self.expires_at = self._loop.time() + exchange.keep_alive_s
        self._pool.release(self)
