"""httpx over our pools: the familiar interface for code that wants it, with the engine's behaviour.

Differences to stock httpx: no proxies, HTTP/1.1 only, no compression (`accept-encoding` is always
`identity`), request bodies are read whole before they are sent.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import httpx

from gatewayz.sdk.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import DEFAULT_TIMEOUTS, HttpReply, HttpRequest, Origin, Timeouts

if TYPE_CHECKING:
    from gatewayz.upstream.engine import Engine

__all__ = ["EngineTransport", "make_httpx_client"]

OURS: Final = frozenset((b"host", b"content-length", b"accept-encoding", b"connection", b"transfer-encoding"))
"""Header lines the engine writes itself."""
UNLIMITED_S: Final = 1e6
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def make_httpx_client(engine: "Engine") -> httpx.AsyncClient:
    """Return a client on the engine's pools; closing it leaves them open."""
    timeout = httpx.Timeout(DEFAULT_TIMEOUTS.idle_s, connect=DEFAULT_TIMEOUTS.connect_s)
    return httpx.AsyncClient(transport=EngineTransport(engine), timeout=timeout, trust_env=False)


class EngineTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests by the engine. httpx's `read` time-out bounds both first byte and idle time."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's own exceptions."""
        url = request.url
        port = url.port or DEFAULT_PORTS.get(url.scheme)
        if port is None:
            raise httpx.UnsupportedProtocol(f"not an http(s) URL scheme: {url.scheme!r}", request=request)
        sent = HttpRequest(
            origin=Origin(url.scheme, url.host, port),
            target=url.raw_path,
            headers=[(name.lower(), value) for name, value in request.headers.raw if name.lower() not in OURS],
            body=await request.aread(),
            method=request.method.encode("ascii"),
        )
        try:
            reply = await self._engine.send(sent, _timeouts(request.extensions.get("timeout")))
        except UpstreamError as error:
            raise _translate(error, request) from error
        except ValueError as error:
            raise httpx.LocalProtocolError(str(error), request=request) from error
        return httpx.Response(
            reply.status,
            headers=list(reply.headers),
            stream=_Body(reply, request),
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Leave the engine open: others use it."""


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: HttpReply, request: httpx.Request) -> None:
        self._reply = reply
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while data := await self._reply.read():
                yield data
        except UpstreamError as error:
            raise _translate(error, self._request) from error

    async def aclose(self) -> None:
        self._reply.close()


def _timeouts(given: dict[str, Any] | None) -> Timeouts:
    """Return httpx's four numbers as ours; None is no limit, and there is no total."""
    limits = given or {}
    read_s = limits.get("read") or UNLIMITED_S
    return Timeouts(
        connect_s=limits.get("connect") or UNLIMITED_S,
        first_byte_s=read_s,
        idle_s=read_s,
        total_s=UNLIMITED_S,
    )


def _translate(error: UpstreamError, request: httpx.Request) -> httpx.TransportError:
    if isinstance(error, UpstreamTimeout):
        kind = httpx.ConnectTimeout if error.phase == "connect" else httpx.ReadTimeout
        return kind(error.message, request=request)
    if isinstance(error, UpstreamUnreachable):
        return httpx.ConnectError(error.message, request=request)
    return httpx.RemoteProtocolError(error.message, request=request)
