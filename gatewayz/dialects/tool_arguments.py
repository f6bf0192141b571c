"""Tool arguments between formats: some write them as JSON text, some as an object."""

from typing import Any, Final

import msgspec

__all__ = ["arguments_object", "arguments_text", "result_object"]

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def arguments_object(text: str) -> msgspec.Raw:
    """Return the arguments as an object, byte for byte; none become `{}`.

    A model's broken JSON, kept in a history, is handed over whole under the name `arguments`.
    """
    if not text.strip():
        return msgspec.Raw(b"{}")
    try:
        _OBJECT.decode(text)
    except _BROKEN:
        return msgspec.Raw(msgspec.json.encode({"arguments": text}))
    return msgspec.Raw(text.encode())


def arguments_text(value: msgspec.Raw) -> str:
    """Return an object as JSON text, byte for byte; a missing one becomes `{}`."""
    text = bytes(value).decode()
    return "{}" if text in ("", "null") else text


def result_object(text: str) -> msgspec.Raw | None:
    """Return a tool's answer as the object it is, byte for byte; None when it is not a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        _OBJECT.decode(text)
    except _BROKEN:
        return None
    return msgspec.Raw(text.encode())
