"""Server-sent events, read and written incrementally.

Only `event` and `data` matter to the formats that use it; `id`, `retry` and comments are skipped.
Source: WHATWG HTML, "Server-sent events" (2026-11), but an event whose final blank line is missing counts.
"""

from typing import Final, NamedTuple

from gatewayz.sdk.errors import UpstreamBroken

__all__ = ["DONE", "KEEP_ALIVE", "MAX_EVENT_BYTES", "ServerEvent", "SseReader", "write_event"]

DONE: Final = b"data: [DONE]\n\n"
"""What ends a stream of the OpenAI formats."""
KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment: readers skip it, proxies see traffic."""
MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
"""An event holds at most one whole answer; images inside chunks are the largest seen."""

_BOM: Final = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event; `data` is UTF-8 with lines joined by a line feed, not yet checked to be UTF-8."""

    data: bytes
    event: bytes = b""
    """Its type; empty when the stream named none."""


class SseReader:
    """Splits a stream into events, whatever the chunking: lines end with CR, LF or CRLF."""

    __slots__ = ("_data", "_event", "_limit", "_pieces", "_size", "_skip_line_feed", "_started")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []
        self._event = b""
        self._skip_line_feed = False
        self._started = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events completed by `data`. Raises UpstreamBroken when one exceeds the limit."""
        if not data:
            return []
        if self._skip_line_feed:
            self._skip_line_feed = False
            if data[0] == 0x0A:
                data = data[1:]
        self._size += len(data)
        if b"\n" not in data and b"\r" not in data:
            if data:
                self._pieces.append(data)
            self._check_size()
            return []
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces.clear()
        lines = data.splitlines()
        if data[-1] not in b"\r\n":
            self._pieces.append(lines.pop())
        elif data[-1] == 0x0D:
            self._skip_line_feed = True
        events = self._take_lines(lines)
        self._size = sum(map(len, self._pieces)) + sum(map(len, self._data))
        self._check_size()
        return events

    def finish(self) -> list[ServerEvent]:
        """Return what the end of the stream completes: at most one event."""
        lines = [b"".join(self._pieces), b""]
        self._pieces.clear()
        return self._take_lines(lines)

    def _check_size(self) -> None:
        if self._size > self._limit:
            raise UpstreamBroken(f"an event of the stream is longer than {self._limit} bytes")

    def _take_lines(self, lines: list[bytes]) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        for line in lines:
            if not self._started:
                self._started = True
                line = line.removeprefix(_BOM)  # noqa: PLW2901
            if line[:5] == b"data:":
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    events.append(ServerEvent(data, self._event))
                    self._data.clear()
                self._event = b""
            elif line[:6] == b"event:":
                self._event = line[7:] if line[6:7] == b" " else line[6:]
            elif line == b"data":
                self._data.append(b"")
        return events


def write_event(data: bytes, event: bytes = b"") -> bytes:
    """Return one event. `data` may hold line feeds; `event` must not."""
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.splitlines() or [b""])
    if event:
        return b"event: " + event + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
