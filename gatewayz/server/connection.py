"""A client connection: its transport, who waits on whom, its deadlines and its end. Knows no HTTP syntax.

Source: RFC 9112 section 9.6 (tear-down); decision 0010.
"""

import abc
import asyncio
from typing import Any, Final, cast

from gatewayz.server.access import AccessRecord
from gatewayz.server.asgi import ClientDisconnected
from gatewayz.server.exchange import Exchange
from gatewayz.server.refusal import TIMED_OUT, Refusal, render_refusal
from gatewayz.server.response import build_head
from gatewayz.server.service import NEVER, Service

__all__ = ["BODY", "CHUNKS", "CLOSED", "HEAD", "LINGER", "WAITING", "ClientConnection"]

_JOIN_LIMIT_BYTES: Final = 16 * 1024
"""Below it one copy is cheaper than several writes."""
_LINGER_S: Final = 2.0
"""How long a refused client is read from, so that the refusal is not lost in a reset."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_JSON: Final = (b"content-type", b"application/json")

# What the next bytes from the client are.
HEAD: Final = 0
BODY: Final = 1
CHUNKS: Final = 2
WAITING: Final = 3
"""Part of the next request, whose turn has not come."""
LINGER: Final = 4
"""Part of a request that was refused: thrown away."""
CLOSED: Final = 5


class ClientConnection(asyncio.Protocol, abc.ABC):
    """One client connection, from accept to close."""

    __slots__ = (
        "_body_left_s",
        "_buffer",
        "_client",
        "_exchange",
        "_phase",
        "_reading_paused",
        "_server",
        "_stalled_bytes",
        "_transport",
        "_write_waiters",
        "deadline",
        "service",
        "write_deadline",
        "write_paused",
    )

    def __init__(self, service: Service) -> None:
        self.service = service
        self.deadline = NEVER
        self.write_deadline = NEVER
        self.write_paused = False
        self._phase = HEAD
        self._buffer: bytearray | None = None
        """Read, and not yet looked at."""
        self._exchange: Exchange | None = None
        """The request being answered."""
        self._write_waiters: list[asyncio.Future[None]] | None = None
        self._reading_paused = False
        self._body_left_s = 0.0
        self._stalled_bytes = 0

    @abc.abstractmethod
    def _advance(self) -> None:
        """Go on with what came behind the request that has been answered."""

    # -- transport callbacks ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for a first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._client = _address(transport.get_extra_info("peername"))
        self._server = _address(transport.get_extra_info("sockname"))
        self.service.connections.add(self)
        self.deadline = self.service.loop.time() + self.service.settings.keep_alive_s
        if self.service.draining:
            self._close()

    def eof_received(self) -> bool:
        """Treat the end of the client's side as its leaving: a half-close cannot be told from a hang-up."""
        self._lose_exchange()
        if self._phase != LINGER:
            self._abandon()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and tell the running request."""
        self._phase = CLOSED
        self._buffer = None
        self._lose_exchange()
        self._wake_writers()
        service = self.service
        service.connections.discard(self)
        if service.draining:
            service.note_idle()

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than it is sent to."""
        self.write_paused = True
        self._stalled_bytes = self._transport.get_write_buffer_size()
        self.write_deadline = self.service.loop.time() + self.service.settings.write_timeout_s

    def resume_writing(self) -> None:
        """Let senders, and a request that waited behind them, go on."""
        self.write_paused = False
        self.write_deadline = NEVER
        self._wake_writers()
        if self._phase == HEAD:
            self.deadline = self.service.loop.time() + self.service.settings.keep_alive_s
            self._advance()

    # -- reading ---------------------------------------------------------------------------------

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._transport.is_closing():
            self._reading_paused = True
            self._transport.pause_reading()
            if self._phase in (BODY, CHUNKS):  # the application is slow, not the client: its clock stands still
                self._body_left_s = self.deadline - self.service.loop.time()
                self.deadline = NEVER

    def _resume_reading(self) -> None:
        if self._reading_paused and not self._transport.is_closing():
            self._reading_paused = False
            self._transport.resume_reading()
            if self._phase in (BODY, CHUNKS):
                self.deadline = self.service.loop.time() + self._body_left_s

    # -- what an exchange asks for (`Link`) ------------------------------------------------------

    def write(self, parts: list[bytes]) -> None:
        """See `Link.write`."""
        transport = self._transport
        if transport.is_closing():
            raise ClientDisconnected("the client is gone")
        if len(parts) == 1:
            transport.write(parts[0])
        elif len(parts[1]) < _JOIN_LIMIT_BYTES:
            transport.write(b"".join(parts))
        else:
            for part in parts:  # not `writelines`: before Python 3.12.8 and 3.13.1 it ignores the high-water mark
                transport.write(part)

    async def drained(self) -> None:
        """See `Link.drained`."""
        if self.write_paused and self._phase != CLOSED:
            waiter = self.service.loop.create_future()
            if self._write_waiters is None:
                self._write_waiters = [waiter]
            else:
                self._write_waiters.append(waiter)
            await waiter
        if self._phase == CLOSED:
            raise ClientDisconnected("the client is gone")

    def body_wanted(self, expects_continue: bool) -> None:
        """See `Link.body_wanted`."""
        if expects_continue and self._phase in (BODY, CHUNKS) and not self._transport.is_closing():
            self._transport.write(_CONTINUE)
            self.deadline = self.service.loop.time() + self.service.settings.body_timeout_s
        self._resume_reading()

    def exchange_ended(self, exchange: Exchange) -> None:
        """See `Link.exchange_ended`."""
        if exchange is not self._exchange:
            return
        self._exchange = None
        if self._phase != WAITING:
            self._linger()  # part of the body is still to come
        elif not exchange.keep:
            if self._buffer:
                self._linger()
            else:
                self._close()
        else:
            self._phase = HEAD
            if self.write_paused:
                self.deadline = NEVER  # `write_deadline` counts until the answers have been read
                return
            self.deadline = self.service.loop.time() + self.service.settings.keep_alive_s
            if self._buffer:
                self._advance()
            else:
                self._resume_reading()

    def exchange_failed(self, exchange: Exchange) -> None:
        """See `Link.exchange_failed`."""
        if exchange is not self._exchange or exchange.lost:
            return
        if exchange.head_sent:
            self._lose_exchange()
            self._transport.abort()  # a clean end could be taken for a complete answer
        else:
            self._refuse(Refusal.of_application_fault())

    # -- ending ----------------------------------------------------------------------------------

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with an error where that is still possible, then close."""
        exchange = self._exchange
        self._lose_exchange()
        self._buffer = None
        if self._transport.is_closing():
            return
        if exchange is not None and exchange.head_sent:
            self._transport.abort()
            return
        body = render_refusal(refusal)
        head = build_head(
            refusal.status,
            [_JSON],
            date_line=self.service.date_line.read(),
            whole_length=len(body),
            close=True,
        )
        self._transport.write(head.block + body)
        access_log = self.service.access_log
        if exchange is not None:
            exchange.log_access(refusal.status, len(body))
        elif access_log is not None:
            client = self._client[0] if self._client else "-"
            access_log.add(AccessRecord(client, "-", b"-", refusal.status, len(body), 0.0))
        self._linger()

    def _lose_exchange(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.lose()

    def _linger(self) -> None:
        """Say goodbye, then read on for a moment: closing on unread bytes would reset the answer away."""
        self._buffer = None
        if self._transport.is_closing():
            return
        self._phase = LINGER
        self.deadline = self.service.loop.time() + _LINGER_S
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        self._transport.write_eof()

    def _close(self) -> None:
        """Close after what is written has been flushed, within the write time-out."""
        self._abandon()
        self._transport.close()

    def _abandon(self) -> None:
        self._phase = CLOSED
        self._buffer = None
        self._stalled_bytes = self._transport.get_write_buffer_size()
        self.deadline = self.service.loop.time() + self.service.settings.write_timeout_s
        self._wake_writers()

    def _wake_writers(self) -> None:
        waiters = self._write_waiters
        if waiters is not None:
            self._write_waiters = None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    # -- what the service asks for (`Peer`) ------------------------------------------------------

    def expire(self, now_s: float) -> None:
        """See `Peer.expire`."""
        if self.write_deadline <= now_s:
            if not self._has_read_on():
                self.abort()
                return
            self.write_deadline = now_s + self.service.settings.write_timeout_s
        if self.deadline > now_s:
            return
        if self._phase == HEAD and not self._buffer:
            self._close()
        elif self._phase in (HEAD, BODY, CHUNKS):
            self._refuse(Refusal(408, "The request did not arrive in time.", TIMED_OUT))
        elif self._phase == LINGER and self._transport.get_write_buffer_size():
            self._close()
        elif self._phase == CLOSED and self._has_read_on():
            self.deadline = now_s + self.service.settings.write_timeout_s
        else:
            self.abort()

    def _has_read_on(self) -> bool:
        """Return whether the client has taken bytes since this was asked last."""
        unread_bytes = self._transport.get_write_buffer_size()
        has_read = unread_bytes < self._stalled_bytes
        self._stalled_bytes = unread_bytes
        return has_read

    def drain(self) -> None:
        """See `Peer.drain`."""
        if self._exchange is not None:
            self._exchange.keep = False
        elif self._phase == HEAD and not self._buffer:
            self._close()

    def abort(self) -> None:
        """See `Peer.abort`."""
        self._phase = CLOSED
        self.deadline = self.write_deadline = NEVER
        self._lose_exchange()
        self._wake_writers()
        self._transport.abort()


def _address(name: Any) -> tuple[str, int] | None:
    """Return host and port of a socket name; None for sockets without."""
    return (name[0], name[1]) if isinstance(name, tuple) and len(name) >= 2 else None
