"""The HTTP client: sends requests over kept connections, one exchange at a time on each.

No task, no lock and no timer of its own per request; what is slow (opening, waiting in line) is in
`pool`, what is per byte in `exchange`. Source: docs/decisions/0017.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING

from gatewayz.sdk.errors import UpstreamUnreachable
from gatewayz.sdk.wire import Headers, HttpRequest, Origin, Timeouts
from gatewayz.upstream.exchange import Exchange
from gatewayz.upstream.limits import Limits
from gatewayz.upstream.pool import OriginStats, Pool
from gatewayz.upstream.resolver import Resolver
from gatewayz.upstream.tls import make_tls_context

if TYPE_CHECKING:
    import httpx

__all__ = ["Engine"]

BODY_METHODS = frozenset((b"POST", b"PUT", b"PATCH"))
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_ORIGINS = 500
"""Above it, origins without a connection are forgotten: foreign URLs must not fill the memory."""


class Engine:
    """`gatewayz.sdk.wire.HttpClient` for HTTP/1.1, for one event loop.

    :param ca_file: certificates to trust instead of the system's.
    :param resolver: who turns names into addresses; a checking one makes this client safe for foreign URLs.
    """

    def __init__(
        self, limits: Limits | None = None, *, ca_file: str | None = None, resolver: Resolver | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._ca_file = ca_file
        self._resolver = resolver or Resolver(self._limits.resolved_s)
        self._tls_context: ssl.SSLContext | None = None
        self._pools: dict[Origin, Pool] = {}
        self._host_lines: dict[Origin, bytes] = {}
        self._is_closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> Exchange:
        """Return the answer when its head has arrived, whatever its status.

        A request whose kept connection turns out to be dead is sent once more on a fresh one when no
        byte was answered. Cancelling closes the connection.
        Raises UpstreamUnreachable, UpstreamTimeout, UpstreamBroken; ValueError for a target or header
        that would break the framing.
        """
        loop = asyncio.get_running_loop()
        total_at = loop.time() + timeouts.total_s
        origin = request.origin
        pool = self._pools.get(origin) or self._make_pool(origin, loop)
        head = self._render(request)
        is_resent = False
        while True:
            connection = None if is_resent else pool.take()
            if connection is None:
                left_s = max(0.0, total_at - loop.time())
                connection = await pool.acquire(min(timeouts.connect_s, left_s), fresh=is_resent)
            exchange = Exchange(
                connection,
                loop,
                self._limits,
                timeouts=timeouts,
                now=loop.time(),
                total_at=total_at,
                is_head_request=request.method == b"HEAD",
            )
            arrived = exchange.head_arrived()
            connection.start(exchange, head, request.body if request.upload is None else b"")
            try:
                if request.upload is not None:
                    await connection.upload(exchange, request.upload)
                await arrived
            except BaseException:  # cancellation too: let go, then raise again
                exchange.close()
                raise
            if exchange.has_head or exchange.error is None:
                return exchange
            was_kept = connection.exchanges > 1
            if is_resent or not was_kept or not exchange.was_unanswered:
                raise exchange.error
            is_resent = True

    def stats(self) -> list[OriginStats]:
        """Return the connections per origin."""
        return [pool.stats() for pool in self._pools.values()]

    def httpx_client(self) -> "httpx.AsyncClient":
        """Return a new httpx client over the same pools; closing it leaves them open."""
        # Loading httpx takes a tenth of a second, and most processes never ask for it.
        from gatewayz.upstream.httpx_face import make_httpx_client  # noqa: PLC0415

        return make_httpx_client(self)

    async def aclose(self) -> None:
        """Close every connection; exchanges under way end with UpstreamBroken. May be called twice."""
        self._is_closed = True
        for pool in list(self._pools.values()):
            await pool.aclose()

    def _make_pool(self, origin: Origin, loop: asyncio.AbstractEventLoop) -> Pool:
        if self._is_closed:
            raise UpstreamUnreachable("the HTTP client is closed")
        host = f"[{origin.host}]" if ":" in origin.host else origin.host.encode("idna").decode()
        if origin.port != DEFAULT_PORTS.get(origin.scheme):
            host = f"{host}:{origin.port}"
        self._host_lines[origin] = f" HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity\r\n".encode()
        if len(self._pools) >= MAX_ORIGINS:
            self._forget_empty()
        pool = self._pools[origin] = Pool(origin, self._limits, self._resolver, self._tls, loop)
        return pool

    def _forget_empty(self) -> None:
        for origin in [origin for origin, pool in self._pools.items() if pool.is_empty()]:
            del self._pools[origin], self._host_lines[origin]

    async def _tls(self) -> ssl.SSLContext:
        if self._tls_context is None:
            self._tls_context = await asyncio.to_thread(make_tls_context, self._ca_file)
        return self._tls_context

    def _render(self, request: HttpRequest) -> bytes:
        size = len(request.body) if request.upload is None else request.upload.size
        lines = _render_headers(request.headers)
        start = request.method + b" " + request.target
        if start.count(b" ") != 1 or b"\r" in start or b"\n" in start:
            raise ValueError("the target of an HTTP request has no blanks or line breaks")
        if size or request.method in BODY_METHODS:
            return b"%b%bcontent-length: %d\r\n%b\r\n" % (start, self._host_lines[request.origin], size, lines)
        return b"%b%b%b\r\n" % (start, self._host_lines[request.origin], lines)


def _render_headers(headers: Headers) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % line for line in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
        raise ValueError("an HTTP header has no line breaks")
    return lines
