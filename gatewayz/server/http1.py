"""HTTP/1.1 on one connection: an `asyncio.Protocol` over llhttp (httptools), one request at a time.

A head is collected whole, so its size, its lines and its target are judged before anything else sees
them; what follows a message waits unread until its answer is complete, which bounds pipelining and keeps
its order. Everything ambiguous is refused and the connection closed.
Source: RFC 9112; decision 0010.
"""

import re
from typing import Final

import httptools

from gatewayz.server.asgi import RawHeaders
from gatewayz.server.connection import BODY, CHUNKS, CLOSED, HEAD, LINGER, WAITING, ClientConnection
from gatewayz.server.exchange import Exchange
from gatewayz.server.framing import Framing, read_framing, read_request_line
from gatewayz.server.refusal import Refusal
from gatewayz.server.scope import build_scope
from gatewayz.server.service import NEVER, Service

__all__ = ["HIGH_WATER_BYTES", "Http1Connection"]

HIGH_WATER_BYTES: Final = 64 * 1024
"""Unread bytes at which a connection stops reading; one more read (at most 256 KB) may be on its way."""
_CHUNK_SLICE_BYTES: Final = 16 * 1024
_CHUNK_SLACK_BYTES: Final = 4 * 1024
_CHUNK_LINE_BYTES: Final = 20
"""Honest cost of a chunk's own lines; extensions and trailers beyond that share the slack."""

_HEAD_END: Final = b"\r\n\r\n"
_BARE_LF: Final = re.compile(rb"[^\r]\n")
_BLANK_LINES: Final = re.compile(rb"(?:\r\n)+")
_METHOD_START: Final = re.compile(rb"\r?[A-Za-z_-]{0,24}(?: .*)?", re.DOTALL)
_METHOD_START_BYTES: Final = 32
_UPGRADE_LINE: Final = re.compile(rb"(?im)^upgrade:[^\r\n]*\r\n")


class Http1Connection(ClientConnection):
    """A connection that speaks HTTP/1.1."""

    __slots__ = ("_headers", "_message_complete", "_overrun", "_parser", "_remaining_bytes", "_slack_bytes")

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._parser: httptools.HttpRequestParser | None = None
        """Made for the first request, replaced when a message leaves it in doubt."""
        self._headers: RawHeaders = []
        self._message_complete = False
        self._overrun = False
        """The parser has run into the message behind the current one."""
        self._remaining_bytes = 0
        """Of a body with Content-Length."""
        self._slack_bytes = 0
        """What a chunked body may still spend on lines that carry no data."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and tell the running request."""
        super().connection_lost(exc)
        self._parser = None  # it refers back to us

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        try:
            self._take(data)
        except Refusal as refusal:
            self._refuse(refusal)

    # -- parser callbacks ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice a request that begins inside the last slice of a chunked body."""
        if self._message_complete:
            self._overrun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers end up in a list that nobody reads."""
        self._headers.append((name.lower(), value.strip(b" \t")))

    def on_body(self, chunk: bytes) -> None:
        """Hand a part of the body on."""
        if not self._overrun:
            self._slack_bytes += len(chunk)
            if self._exchange is not None:
                self._exchange.add_body(chunk)

    def on_chunk_header(self) -> None:
        """Allow for the lines a chunk needs."""
        self._slack_bytes += _CHUNK_LINE_BYTES

    def on_message_complete(self) -> None:
        """Note the end of the message."""
        self._message_complete = True

    # -- reading ---------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        phase = self._phase
        if phase == HEAD:
            if self.write_paused:  # whoever does not read his answers may not ask for more
                self._keep_for_later(data)
            else:
                self._read_head(data)
        elif phase == BODY:
            self._read_body(data)
        elif phase == CHUNKS:
            self._read_chunks(data)
        elif phase == WAITING:
            self._keep_for_later(data)

    def _read_head(self, data: bytes) -> None:
        buffer = self._buffer
        if buffer:
            seen = max(len(buffer) - 3, 0)
            buffer += data
            end = buffer.find(_HEAD_END, seen)
            if end < 0 and not buffer.startswith(b"\r\n"):
                self._check_torn_head(buffer, seen)
                return
            data = bytes(buffer)
            self._buffer = None
        else:
            end = data.find(_HEAD_END)
        if data.startswith(b"\r\n"):  # RFC 9112 section 2.2: empty lines before a request are skipped
            blank = _BLANK_LINES.match(data)
            data = data[blank.end() if blank else 0 :]
            if data:
                self._read_head(data)
            return
        if end < 0:
            self._buffer = bytearray(data)
            self.deadline = self.service.loop.time() + self.service.settings.head_timeout_s
            self._check_torn_head(self._buffer, 0)
            return
        end += 4
        if len(data) == end:
            self._open_request(data)
        else:
            self._open_request(data[:end])
            if self._phase not in (LINGER, CLOSED):
                self._take(data[end:])

    def _check_torn_head(self, buffer: bytearray, seen: int) -> None:
        """Refuse the beginning of a head that can no longer become one; `seen` bytes were checked before."""
        if _BARE_LF.search(buffer, max(seen - 1, 0)) is not None:
            raise Refusal(400, "Lines must end with CRLF.")
        if seen < _METHOD_START_BYTES and _METHOD_START.fullmatch(buffer[:_METHOD_START_BYTES]) is None:
            raise Refusal(400, "This is not an HTTP request.")
        if len(buffer) > self.service.settings.max_header_bytes:
            raise Refusal(431, "The request head is too large.")

    def _open_request(self, head: bytes) -> None:
        service = self.service
        settings = service.settings
        if len(head) > settings.max_header_bytes:
            raise Refusal(431, "The request head is too large.")
        method, target, version = read_request_line(head[: head.index(b"\r\n")])
        upgraded = self._parse_head(head)
        headers = self._headers
        if len(headers) > settings.max_headers:
            raise Refusal(431, "The request has too many headers.")
        framing = read_framing(headers, version)
        service.hosts.check(framing.host, version)
        if upgraded:
            framing = self._decline_upgrade(head, framing)
            headers = self._headers
        self._headers = []
        self._begin(method, target, version, headers, framing, keep=not (framing.close or upgraded))

    def _parse_head(self, head: bytes) -> bool:
        """Run the parser over a whole head; return whether it asks to change the protocol."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        self._headers = []
        self._message_complete = False
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            return True
        except httptools.HttpParserError as error:
            raise Refusal(400, f"The request head is malformed: {error}.") from error
        return False

    def _decline_upgrade(self, head: bytes, framing: Framing) -> Framing:
        """Refuse a change to WebSocket; go on in HTTP/1.1 when it was an offer, as RFC 9110 section 7.8 allows.

        The header is taken out and the head read again, because llhttp would not read a body after it.
        The connection closes after the answer, so that nobody in between believes in another protocol.
        """
        if b"websocket" in framing.upgrade:
            raise Refusal(400, "WebSocket is not offered here.")
        self._parser = None
        if self._parse_head(_UPGRADE_LINE.sub(b"", head)):
            raise Refusal(400, "No other protocol is offered here.")
        return read_framing(self._headers, "1.1")

    def _begin(
        self, method: str, target: bytes, version: str, headers: RawHeaders, framing: Framing, *, keep: bool
    ) -> None:
        service = self.service
        exchange = Exchange(self, method, version, keep=keep, expects_continue=framing.expects_continue)
        self._exchange = exchange
        if self._message_complete:
            self._phase = WAITING
            self.deadline = NEVER
            exchange.received = True
        else:
            if framing.chunked:
                self._phase = CHUNKS
                self._slack_bytes = _CHUNK_SLACK_BYTES
            else:
                self._phase = BODY
                self._remaining_bytes = framing.length or 0
            if framing.expects_continue:
                self.deadline = NEVER  # the client waits for us
            else:
                self.deadline = service.loop.time() + service.settings.body_timeout_s
        if service.access_log is not None:
            exchange.record_access(self._client[0] if self._client else "-", method, target, service.loop.time())
        scope = build_scope(
            method=method,
            target=target,
            version=version,
            headers=headers,
            client=self._client,
            server=self._server,
            state=service.state,
            hangup=exchange,
        )
        service.running[exchange] = service.loop.create_task(exchange.run(service.app, scope))

    def _read_body(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        remaining = self._remaining_bytes
        rest = b""
        if len(data) > remaining:
            data, rest = data[:remaining], data[remaining:]
        self._remaining_bytes = remaining - len(data)
        self._feed(parser, data)
        self._after_body(rest)

    def _read_chunks(self, data: bytes) -> None:
        """Feed a chunked body in slices: the parser cannot be stopped where the message ends."""
        parser = self._parser
        if parser is None:
            return
        for start in range(0, len(data), _CHUNK_SLICE_BYTES):
            piece = data[start : start + _CHUNK_SLICE_BYTES]
            self._slack_bytes -= len(piece)
            self._feed(parser, piece)
            if self._slack_bytes < 0:
                raise Refusal(400, "The chunked body has too many extensions or trailers.")
            if self._message_complete:
                self._parser = None
                rest = data[start + _CHUNK_SLICE_BYTES :]
                if (self._overrun or rest) and self._exchange is not None:
                    # Where the next request began is lost, and guessing is how requests are smuggled: last answer.
                    self._exchange.keep = False
                break
        self._overrun = False
        self._after_body(b"")

    def _feed(self, parser: httptools.HttpRequestParser, data: bytes) -> None:
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._overrun = True  # a request for another protocol behind a chunked body: never served
        except httptools.HttpParserError as error:
            if not (self._message_complete and self._phase == CHUNKS):
                raise Refusal(400, f"The request body is malformed: {error}.") from error
            self._overrun = True  # the fault is in what follows the body, which is never served

    def _after_body(self, rest: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if self._message_complete:
            self._phase = WAITING
            self.deadline = NEVER
            exchange.end_body()
            if rest:
                self._keep_for_later(rest)
        elif exchange.buffered_bytes > HIGH_WATER_BYTES:
            self._pause_reading()

    def _keep_for_later(self, data: bytes) -> None:
        if self._buffer is None:
            self._buffer = bytearray(data)
        else:
            self._buffer += data
        if len(self._buffer) > HIGH_WATER_BYTES:
            self._pause_reading()

    def _advance(self) -> None:
        """Go on with what came behind the request that has been answered."""
        data = bytes(self._buffer or b"")
        self._buffer = None
        self._resume_reading()
        if data:
            self.data_received(data)
