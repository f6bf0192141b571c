"""Tells providers which trace a call belongs to: a header added where requests leave."""

from contextvars import ContextVar
from typing import Final

import msgspec

from gatewayz.sdk.wire import Headers, HttpClient, HttpReply, HttpRequest, Timeouts

__all__ = ["TRACE_HEADERS", "TracingClient"]

TRACE_HEADERS: Final[ContextVar[Headers]] = ContextVar("trace_headers", default=())
"""`traceparent` and `tracestate` of the attempt that the running task makes."""


class TracingClient:
    """An HTTP client that adds them. Used in place of the plain one only where tracing is on."""

    def __init__(self, inner: HttpClient) -> None:
        self._inner = inner

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        """See `HttpClient.send`."""
        if headers := TRACE_HEADERS.get():
            request = msgspec.structs.replace(request, headers=(*request.headers, *headers))
        return await self._inner.send(request, timeouts)
