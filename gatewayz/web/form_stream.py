"""Forms with files, read as they come: what they carry is handed on in pieces and never kept here.

Source: RFC 7578.
"""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from quart import g, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType

__all__ = ["FormPiece", "read_form"]

_STEP_BYTES: Final = 64 * 1024
_BUFFERED_BYTES: Final = 4 * _STEP_BYTES
_MAX_PARTS: Final = 32
_MAX_BOUNDARY: Final = 70


class FormPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a field."""

    name: str
    filename: str | None
    """None for a plain value."""
    data: bytes
    is_last: bool


async def read_form() -> AsyncIterator[FormPiece]:
    """Yield the form of the current request, piece by piece.

    Raises UnsupportedMediaType, InvalidRequest for what is no form, BodyTooLarge for too many fields.
    """
    decoder = MultipartDecoder(_boundary(), max_form_memory_size=_BUFFERED_BYTES, max_parts=_MAX_PARTS)
    part: Field | File | None = None
    async for data in _steps():
        for event in _events(decoder, data):
            if isinstance(event, Field | File):
                part = event
            elif isinstance(event, Data) and part is not None:
                filename = part.filename if isinstance(part, File) else None
                yield FormPiece(name=part.name or "", filename=filename, data=event.data, is_last=not event.more_data)


async def _steps() -> AsyncIterator[bytes | None]:
    """Yield the body in steps that the decoder holds, then None for its end."""
    async for data in request.body:
        for start in range(0, len(data), _STEP_BYTES):
            yield data[start : start + _STEP_BYTES]
    yield None


def _events(decoder: MultipartDecoder, data: bytes | None) -> list[Event]:
    events: list[Event] = []
    try:
        decoder.receive_data(data)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            events.append(event)
    except RequestEntityTooLarge as err:
        raise BodyTooLarge(f"A form has at most {_MAX_PARTS} fields with short names.") from err
    except (ValueError, AttributeError) as err:  # the decoder's way of saying that a line break is missing
        raise InvalidRequest("The body is not a complete multipart form.") from err
    return events


def _boundary() -> bytes:
    media_type, options = parse_options_header(g.head.content_type.decode("latin-1"))
    boundary = options.get("boundary", "")
    if media_type != "multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise UnsupportedMediaType(
            "The body must be multipart/form-data with a boundary.", context={"expected_type": "multipart/form-data"}
        )
    if g.head.content_encoding not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed request bodies are not accepted; send the form as it is.")
    return boundary.encode("latin-1")
