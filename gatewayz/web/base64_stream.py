"""Base64 that arrives in pieces, with or without the head of a data URL. Source: RFC 4648 §4, RFC 2397."""

import binascii
import re
from typing import Final

from gatewayz.sdk.errors import InvalidRequest

__all__ = ["Base64Stream"]

_HEAD: Final = re.compile(rb"data:[^,]{0,200};base64,", re.IGNORECASE)
_MAX_HEAD_BYTES: Final = 256
_BLANKS: Final = b" \t\r\n"


class Base64Stream:
    """Decodes one text, piece by piece. Blanks and line breaks in it are passed over.

    :param param: what the caller calls the text, for errors.
    """

    def __init__(self, param: str) -> None:
        self._param = param
        self._left = b""
        self._is_past_head = False
        self._has_padding = False

    def feed(self, piece: bytes) -> bytes:
        """Return what is known now. Raises InvalidRequest."""
        self._left += piece.translate(None, _BLANKS)
        if not self._is_past_head and not self._pass_head():
            return b""
        whole = len(self._left) // 4 * 4
        ready, self._left = self._left[:whole], self._left[whole:]
        return self._decode(ready)

    def finish(self) -> bytes:
        """Return what is left. Raises InvalidRequest for a text that ends too early."""
        self._is_past_head = True
        return self._decode(self._left)

    def _pass_head(self) -> bool:
        """Return whether the head, if there is one, is behind us."""
        if self._left[:5].lower() != b"data:"[: len(self._left)]:
            self._is_past_head = True
        elif (head := _HEAD.match(self._left)) is not None:
            self._left = self._left[head.end() :]
            self._is_past_head = True
        elif len(self._left) > _MAX_HEAD_BYTES:
            raise self._refused()
        return self._is_past_head

    def _decode(self, text: bytes) -> bytes:
        if not text:
            return b""
        if self._has_padding:
            raise self._refused()
        self._has_padding = text.endswith(b"=")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error as err:
            raise self._refused() from err

    def _refused(self) -> InvalidRequest:
        return InvalidRequest(f"{self._param} is not base64", code="INVALID_BASE64", param=self._param)
