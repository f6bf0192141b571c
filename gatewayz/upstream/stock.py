"""Stock httpx behind our interface: for what the engine does not do, proxies and HTTP/2.

Slower by an order of magnitude, and the same to everyone who calls it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx

from gatewayz.sdk.errors import TimeoutPhase, UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import Headers, HttpRequest, Timeouts
from gatewayz.upstream.limits import Limits
from gatewayz.upstream.tls import make_tls_context

__all__ = ["StockClient"]

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class StockClient:
    """`gatewayz.sdk.wire.HttpClient` over `httpx.AsyncClient`.

    :param proxy: URL of the proxy for all requests (`http://`, `https://`), or None.
    :param http2: speak HTTP/2 where the other side does.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        proxy: str | None = None,
        http2: bool = False,
        ca_file: str | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._proxy = proxy
        self._http2 = http2
        self._ca_file = ca_file
        self._client = self.httpx_client()

    def httpx_client(self) -> httpx.AsyncClient:
        """Return a new httpx client with the same proxy and certificates, and pools of its own."""
        context = make_tls_context(self._ca_file)
        if self._http2:
            context.set_alpn_protocols(["h2", "http/1.1"])
        return httpx.AsyncClient(
            verify=context,
            proxy=self._proxy,
            http2=self._http2,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=self._limits.max_connections,
                max_keepalive_connections=self._limits.max_connections,
                keepalive_expiry=self._limits.keep_alive_s,
            ),
        )

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> "StockReply":
        """Return the answer when its head has arrived. See `HttpClient.send`."""
        total_at = asyncio.get_running_loop().time() + timeouts.total_s
        sent = self._build(request, timeouts)
        try:
            async with asyncio.timeout(min(timeouts.total_s, timeouts.connect_s + timeouts.first_byte_s)):
                response = await self._client.send(sent, stream=True)
        except TimeoutError as error:
            phase: TimeoutPhase = "total" if timeouts.total_s <= timeouts.first_byte_s else "first_byte"
            raise UpstreamTimeout(f"the provider did not answer in time ({phase})", phase=phase) from error
        except httpx.HTTPError as error:
            raise _translate(error) from error
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise UpstreamBroken("the provider compresses although it was asked not to")
        return StockReply(response, timeouts, total_at)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def _build(self, request: HttpRequest, timeouts: Timeouts) -> httpx.Request:
        origin = request.origin
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        if origin.port != DEFAULT_PORTS[origin.scheme]:
            host = f"{host}:{origin.port}"
        # Head and body have limits of their own above httpx, which knows one for both.
        limits = httpx.Timeout(None, connect=timeouts.connect_s, pool=timeouts.connect_s)
        headers = [*request.headers, (b"accept-encoding", b"identity")]
        if request.upload is not None:
            headers.append((b"content-length", b"%d" % request.upload.size))
        return self._client.build_request(
            request.method.decode("ascii"),
            f"{origin.scheme}://{host}{request.target.decode('ascii')}",
            headers=headers,
            content=request.body if request.upload is None else request.upload.pieces(),
            timeout=limits,
        )


class StockReply:
    """`gatewayz.sdk.wire.HttpReply` over a streamed httpx response."""

    def __init__(self, response: httpx.Response, timeouts: Timeouts, total_at: float) -> None:
        self._response = response
        self._pieces: AsyncIterator[bytes] = response.aiter_raw()
        self._next: asyncio.Task[bytes] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._idle_s = timeouts.idle_s
        self._idle_since = self._loop.time()
        self._total_at = total_at
        self.status = response.status_code
        self.headers: Headers = [(name.lower(), value) for name, value in response.headers.raw]

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """Return the next piece, `b""` at the end, None when `wait_s` passed first. See `HttpReply.read`."""
        if self._closing is not None:
            raise UpstreamBroken("the answer was closed before its end")
        if self._next is None:
            # The piece outlives one tick, and cancelling an httpx stream would end it: so it is a task.
            self._next = self._loop.create_task(_next_piece(self._pieces))
        now = self._loop.time()
        idle_at = self._idle_since + self._idle_s
        until = min(idle_at, self._total_at, now + wait_s if wait_s is not None else idle_at)
        try:
            await asyncio.wait((self._next,), timeout=max(0.0, until - now))
        except BaseException:  # cancellation too: let go, then raise again
            self.close()
            raise
        if not self._next.done():
            self._check_time(idle_at)
            return None
        task, self._next = self._next, None
        self._idle_since = self._loop.time()
        try:
            return task.result()
        except httpx.HTTPError as error:
            raise _translate(error) from error

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body. See `HttpReply.read_all`."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > limit:
                self.close()
                raise UpstreamBroken("the provider's answer is too long")
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Let go, in the background as httpx can only close by awaiting. Idempotent."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._let_go())

    async def _let_go(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait((self._next,))
            if not self._next.cancelled():
                # Marks an error as seen; nobody reads any more.
                self._next.exception()
        await self._response.aclose()

    def _check_time(self, idle_at: float) -> None:
        now = self._loop.time() + 0.001
        if now >= self._total_at or now >= idle_at:
            self.close()
            if now >= self._total_at:
                raise UpstreamTimeout("the provider did not answer in time (total)", phase="total")
            raise UpstreamTimeout("the provider did not answer in time (idle)", phase="idle")


async def _next_piece(pieces: AsyncIterator[bytes]) -> bytes:
    async for piece in pieces:
        if piece:
            return piece
    return b""


def _translate(error: httpx.HTTPError) -> UpstreamError:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return UpstreamTimeout("no connection to the provider in time", phase="connect")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return UpstreamUnreachable(f"no connection to the provider ({type(error).__name__})")
    return UpstreamBroken("the provider cut its answer short or does not speak HTTP")
