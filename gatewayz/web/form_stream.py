"""Forms with files, read as they come: what they carry is handed on in pieces and never kept here.

Source: RFC 7578.
"""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from quart import g, request

from gatewayz.sdk.errors import BodyTooLarge, UnsupportedMediaType
from gatewayz.web.multipart import Multipart, PartBegun, PartData, PartEnded, content_type_of

__all__ = ["FormPiece", "read_form"]

_MAX_PARTS: Final = 32


class FormPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a field."""

    name: str
    filename: str | None
    """None for a plain value."""
    data: bytes
    is_last: bool
    """True for what follows the last of the data: nothing."""


async def read_form() -> AsyncIterator[FormPiece]:
    """Yield the form of the current request, piece by piece.

    Raises UnsupportedMediaType, InvalidRequest for what is no form, BodyTooLarge for too many fields.
    """
    form, part, parts = Multipart(_boundary()), PartBegun("", None), 0
    async for data in request.body:
        for event in form.feed(data):
            match event:
                case PartBegun():
                    part, parts = event, parts + 1
                    if parts > _MAX_PARTS:
                        raise BodyTooLarge(f"A form has at most {_MAX_PARTS} fields.")
                case PartData():
                    yield FormPiece(name=part.name, filename=part.filename, data=event.data, is_last=False)
                case PartEnded():
                    yield FormPiece(name=part.name, filename=part.filename, data=b"", is_last=True)
    form.finish()


def _boundary() -> str:
    media_type, options = content_type_of(g.head.content_type)
    boundary = options.get("boundary", "")
    if media_type != "multipart/form-data" or not boundary:
        raise UnsupportedMediaType(
            "The body must be multipart/form-data with a boundary.", context={"expected_type": "multipart/form-data"}
        )
    if g.head.content_encoding not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed request bodies are not accepted; send the form as it is.")
    return boundary
