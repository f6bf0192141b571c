"""`multipart/form-data` towards a provider: fields and one file, never whole in memory. Source: RFC 7578."""

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final

from gatewayz.sdk.wire import BodySource

__all__ = ["MultipartBody"]

_ESCAPES: Final = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A", 0: "%00"}
"""As browsers do (HTML standard, "multipart/form-data encoding algorithm")."""


class MultipartBody:
    """A `BodySource` of text fields followed by one file.

    :param fields: name and value, in order; a name may come again.
    :param file: name of the file's field, its file name, its media type, its content.
    :param boundary: for tests; a random one else.
    """

    def __init__(
        self, fields: Sequence[tuple[str, str]], file: tuple[str, str, str, BodySource], *, boundary: str | None = None
    ) -> None:
        self._boundary = boundary or f"gatewayz-{secrets.token_hex(16)}"
        name, file_name, media_type, self._content = file
        parts = [
            f'--{self._boundary}\r\ncontent-disposition: form-data; name="{_quoted(field)}"\r\n\r\n{value}\r\n'
            for field, value in fields
        ]
        parts.append(
            f'--{self._boundary}\r\ncontent-disposition: form-data; name="{_quoted(name)}"; '
            f'filename="{_quoted(file_name)}"\r\ncontent-type: {_quoted(media_type)}\r\n\r\n'
        )
        self._before = "".join(parts).encode()
        self._after = f"\r\n--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> bytes:
        """The header's value."""
        return f"multipart/form-data; boundary={self._boundary}".encode()

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._before) + self._content.size + len(self._after)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read it once more."""
        yield self._before
        async for piece in self._content.pieces():
            yield piece
        yield self._after


def _quoted(text: str) -> str:
    return text.translate(_ESCAPES)
