"""AWS event streams (`application/vnd.amazon.eventstream`): binary messages with headers and checksums.

A message is a prelude (total length, header length, CRC of both), headers, payload, CRC of everything.
Source: Smithy specification "Amazon Event Stream", wire format (2026-11).
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from gatewayz.sdk.errors import UpstreamBroken

__all__ = ["MAX_MESSAGE_BYTES", "EventStreamReader", "StreamMessage"]

MAX_MESSAGE_BYTES: Final = 24 * 1024 * 1024
"""Largest message of the protocol's implementations: 16 MiB of payload and headers, with room."""
_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_LEAST_BYTES: Final = _PRELUDE.size + _CRC.size
_FIXED_BYTES: Final[Mapping[int, int]] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Sizes of header values by type: true, false, byte, short, integer, long, timestamp, UUID."""
_BYTES_TYPE: Final = 6
_STRING_TYPE: Final = 7


class StreamMessage(NamedTuple):
    """One message. Of the headers only strings are kept: `:event-type`, `:message-type` and the like."""

    headers: Mapping[str, str]
    payload: bytes


class EventStreamReader:
    """Splits a stream into messages, whatever the chunking."""

    __slots__ = ("_buffer", "_wanted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted = _PRELUDE.size

    @property
    def is_empty(self) -> bool:
        """Whether the stream so far ends with a whole message."""
        return not self._buffer

    def feed(self, data: bytes) -> list[StreamMessage]:
        """Return the messages completed by `data`. Raises UpstreamBroken on a wrong checksum or length."""
        self._buffer += data
        messages: list[StreamMessage] = []
        start = 0
        while len(self._buffer) - start >= self._wanted:
            if self._wanted == _PRELUDE.size:
                self._wanted = self._read_prelude(start)
                continue
            end = start + self._wanted
            messages.append(_read_message(bytes(self._buffer[start:end])))
            start = end
            self._wanted = _PRELUDE.size
        if start:
            del self._buffer[:start]
        return messages

    def _read_prelude(self, start: int) -> int:
        total, headers, crc = _PRELUDE.unpack_from(self._buffer, start)
        if zlib.crc32(self._buffer[start : start + 8]) != crc:
            raise UpstreamBroken("a message of the event stream has a wrong prelude checksum")
        if not _LEAST_BYTES <= total <= MAX_MESSAGE_BYTES or headers > total - _LEAST_BYTES:
            raise UpstreamBroken("a message of the event stream has an impossible length")
        return int(total)


def _read_message(message: bytes) -> StreamMessage:
    (crc,) = _CRC.unpack_from(message, len(message) - _CRC.size)
    if zlib.crc32(message[: -_CRC.size]) != crc:
        raise UpstreamBroken("a message of the event stream has a wrong checksum")
    payload_start = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
    try:
        headers = _read_headers(message[_PRELUDE.size : payload_start])
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as err:
        raise UpstreamBroken("a message of the event stream has broken headers") from err
    return StreamMessage(headers, message[payload_start : -_CRC.size])


def _read_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    position = 0
    while position < len(block):
        name_end = position + 1 + block[position]
        name = block[position + 1 : name_end].decode()
        kind = block[name_end]
        position = name_end + 1
        if kind in (_BYTES_TYPE, _STRING_TYPE):
            (size,) = _LENGTH.unpack_from(block, position)
            position += _LENGTH.size
            value = block[position : position + size]
            if len(value) != size:
                raise IndexError("a header value is cut short")
            if kind == _STRING_TYPE:
                headers[name] = value.decode()
        else:
            size = _FIXED_BYTES[kind]
        position += size
    return headers
