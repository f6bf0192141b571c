"""The head of an answer: how it is written, and how its end is marked.

Source: RFC 9112 section 6; RFC 9110 sections 6.6.1, 8.6.
"""

import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import msgspec

__all__ = ["BODILESS", "CHUNKED", "SIZED", "UNTIL_CLOSE", "DateLine", "Head", "build_head"]

BODILESS: Final = 0
"""No body follows, whatever the application sends."""
SIZED: Final = 1
"""As many bytes follow as Content-Length says."""
CHUNKED: Final = 2
UNTIL_CLOSE: Final = 3
"""The end of the connection ends the body (HTTP/1.0)."""

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(200, 600)
}
_OWNED: Final = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"date"})
_NO_CONTENT: Final = 204
_NOT_MODIFIED: Final = 304


class Head(msgspec.Struct, frozen=True, gc=False):
    """An encoded head, and what it promised."""

    block: bytes
    mode: int
    length: int
    """Bytes promised when the mode is SIZED."""
    close: bool
    """The connection ends with this answer."""


class DateLine:
    """The Date header as bytes, formatted once a second."""

    __slots__ = ("_line", "_second", "_wall_clock")

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._second = -1
        self._line = b""

    def read(self) -> bytes:
        """Return `date: ...\\r\\n` for the current second."""
        second = int(self._wall_clock())
        if second != self._second:
            self._second = second
            self._line = f"date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line


def build_head(
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    date_line: bytes,
    whole_length: int | None,
    to_head: bool = False,
    http10: bool = False,
    close: bool = False,
) -> Head:
    """Encode the head of an answer.

    `whole_length` is the body's length in bytes when all of it is known, `to_head` says that the request was a HEAD.

    Raises:
        ValueError: a status outside 200..599, a broken Content-Length, or a control character in a header.
    """
    line = _STATUS_LINES.get(status)
    if line is None:
        raise ValueError(f"cannot answer with status {status}")
    lines = [line]
    declared: bytes | None = None
    date = date_line
    for name, value in headers:
        lower = name.lower()
        if lower in _OWNED:
            if lower == b"content-length":
                declared = value
            elif lower == b"connection":
                close = close or b"close" in value.lower()
            elif lower == b"date":
                date = b"date: " + value + b"\r\n"
            continue  # how the message is framed is the server's to say
        lines.append(lower + b": " + value + b"\r\n")
    lines.append(date)
    mode, length = _choose_mode(status, declared, whole_length, to_head, http10)
    if mode == CHUNKED:
        lines.append(b"transfer-encoding: chunked\r\n")
    elif mode == SIZED or (length >= 0 and status != _NO_CONTENT):
        lines.append(b"content-length: %d\r\n" % length)
    close = close or http10 or mode == UNTIL_CLOSE
    if close:
        lines.append(b"connection: close\r\n")
    block = b"".join(lines)
    if block.count(b"\n") != len(lines) or block.count(b"\r") != len(lines) or b"\0" in block:
        raise ValueError("a response header contains a control character")
    return Head(block + b"\r\n", mode, length, close)


def _choose_mode(
    status: int, declared: bytes | None, whole_length: int | None, to_head: bool, http10: bool
) -> tuple[int, int]:
    """Return the mode and the length to announce, -1 for none."""
    if declared is not None and not declared.isdigit():
        raise ValueError(f"content-length is {declared!r}")
    length = -1 if declared is None else int(declared)
    if to_head or status in (_NO_CONTENT, _NOT_MODIFIED):
        return BODILESS, length if declared is not None or not whole_length else whole_length
    if whole_length is not None:
        if length >= 0 and length != whole_length:
            raise ValueError(f"content-length is {length}, the body has {whole_length} bytes")
        return SIZED, whole_length
    if length >= 0:
        return SIZED, length
    return (UNTIL_CLOSE, -1) if http10 else (CHUNKED, -1)
