"""A small HTTP client for contract tests: correct and plain, one connection for each request."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from gatewayz.sdk.errors import TimeoutPhase, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import Headers, HttpReply, HttpRequest, Timeouts

__all__ = ["PlainHttpClient"]

_BUFFER: Final = 256 * 1024
T = TypeVar("T")


class PlainHttpClient:
    """Implements `HttpClient` on asyncio streams, without TLS."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        """See `HttpClient.send`."""
        try:
            reader, writer = await _within(
                asyncio.open_connection(request.origin.host, request.origin.port, limit=_BUFFER),
                timeouts.connect_s,
                "connect",
            )
        except OSError as err:
            raise UpstreamUnreachable("no connection") from err
        try:
            writer.write(_head(request) + (request.body if request.upload is None else b""))
            await writer.drain()
            if request.upload is not None:
                async for piece in request.upload.pieces():
                    writer.write(piece)
                    await writer.drain()
            head = await _within(reader.readuntil(b"\r\n\r\n"), timeouts.first_byte_s, "first_byte")
        except (OSError, asyncio.IncompleteReadError) as err:
            writer.transport.abort()
            raise UpstreamBroken("the connection was lost before an answer") from err
        except BaseException:  # cancellation too: let go, then raise again
            writer.transport.abort()
            raise
        return _PlainReply(reader, writer, head, timeouts)


class _PlainReply:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, timeouts: Timeouts
    ) -> None:
        first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
        self.status = int(first.split(b" ", 2)[1])
        self.headers: Headers = tuple(
            (name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)
        )
        self._reader = reader
        self._writer = writer
        self._timeouts = timeouts
        found = dict(self.headers)
        self._is_chunked = found.get(b"transfer-encoding", b"").lower() == b"chunked"
        self._left = int(found.get(b"content-length", b"0"))
        self._is_done = False

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """See `HttpReply.read`; `wait_s` is not needed by the suite and waits like the idle limit."""
        if self._is_done:
            return b""
        try:
            piece = await _within(self._next_piece(), self._timeouts.idle_s, "idle")
        except (OSError, asyncio.IncompleteReadError, ValueError) as err:
            raise UpstreamBroken("the connection was cut early") from err
        self._is_done = not piece
        return piece

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
        self._writer.transport.abort()

    async def _next_piece(self) -> bytes:
        if not self._is_chunked:
            piece = await self._reader.read(min(self._left, 65536)) if self._left else b""
            if self._left and not piece:
                raise asyncio.IncompleteReadError(b"", self._left)
            self._left -= len(piece)
            return piece
        size = int((await self._reader.readuntil(b"\r\n")).strip(), 16)
        piece = await self._reader.readexactly(size)
        await self._reader.readexactly(2)
        return piece


def _head(request: HttpRequest) -> bytes:
    lines = [
        request.method + b" " + request.target + b" HTTP/1.1",
        f"host: {request.origin.host}:{request.origin.port}".encode(),
        b"accept-encoding: identity",
        b"content-length: %d" % (len(request.body) if request.upload is None else request.upload.size),
    ]
    lines.extend(name + b": " + value for name, value in request.headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _within(waited: Awaitable[T], limit_s: float, phase: TimeoutPhase) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await waited
    except TimeoutError as err:
        raise UpstreamTimeout(f"{phase} limit passed", phase=phase) from err
