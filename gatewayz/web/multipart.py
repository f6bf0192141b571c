"""Multipart bodies as they arrive: all is handed on at once, but for the heads of parts. Source: RFC 7578."""

from collections.abc import Iterator
from typing import Final

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gatewayz.sdk.errors import InvalidRequest

__all__ = ["Multipart", "PartBegun", "PartData", "PartEnded", "content_type_of"]

_MAX_BOUNDARY_CHARACTERS: Final = 200
_DISPOSITION: Final = b"content-disposition"


class PartBegun(msgspec.Struct, frozen=True):
    """The head of a part has arrived."""

    name: str
    filename: str | None
    """None: a plain value."""


class PartData(msgspec.Struct, frozen=True):
    """A piece of what the part holds."""

    data: bytes


class PartEnded(msgspec.Struct, frozen=True):
    """The part is complete."""


_PartEvent = PartBegun | PartData | PartEnded


class Multipart:
    """Takes one body apart.

    :param boundary: as the content type names it.
    Raises InvalidRequest for a boundary that is none.
    """

    def __init__(self, boundary: str) -> None:
        if not 0 < len(boundary) <= _MAX_BOUNDARY_CHARACTERS:
            raise InvalidRequest("The content type names no boundary.", code="INVALID_MULTIPART")
        self._events: list[_PartEvent] = []
        self._header = bytearray()
        self._value = bytearray()
        self._disposition: bytes | None = None
        self._has_ended = False
        self._parser = MultipartParser(
            boundary.encode("latin-1", "replace"),
            {
                "on_header_begin": self._header_begun,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ended,
                "on_headers_finished": self._part_begun,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ended,
                "on_end": self._ended,
            },
        )

    def feed(self, data: bytes) -> Iterator[_PartEvent]:
        """Yield what a piece of the body brings. Raises InvalidRequest."""
        if data:
            try:
                self._parser.write(data)
            except FormParserError as err:
                raise _malformed() from err
        events, self._events = self._events, []
        yield from events

    def finish(self) -> None:
        """Check that the body has come to its end. Raises InvalidRequest."""
        if not self._has_ended:
            raise _malformed()

    def _header_begun(self) -> None:
        self._header, self._value = bytearray(), bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ended(self) -> None:
        if bytes(self._header).lower() == _DISPOSITION:
            self._disposition = bytes(self._value)

    def _part_begun(self) -> None:
        kind, options = parse_options_header(self._disposition)
        self._disposition = None
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise _malformed()
        filename = options.get(b"filename")
        shown = None if filename is None else filename.decode("utf-8", "replace")
        self._events.append(PartBegun(name.decode("utf-8", "replace"), shown))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(data[start:end]))

    def _part_ended(self) -> None:
        self._events.append(PartEnded())

    def _ended(self) -> None:
        self._has_ended = True


def content_type_of(header: bytes) -> tuple[str, dict[str, str]]:
    """Return the media type of a content type, in lower case, and its options."""
    media_type, options = parse_options_header(header)
    return media_type.decode("latin-1").lower(), {
        name.decode("latin-1"): value.decode("latin-1") for name, value in options.items()
    }


def _malformed() -> InvalidRequest:
    return InvalidRequest("The form is cut off or malformed.", code="INVALID_MULTIPART")
