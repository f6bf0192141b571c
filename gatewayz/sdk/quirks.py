"""A vendor's differences from a wire format, as data, and their edits of a request body's top-level members."""

import fnmatch
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

__all__ = ["FieldEditor", "Fields", "QuirkTable", "Quirks", "Range"]

Fields = dict[str, msgspec.Raw]

_ASK_USAGE: Final = msgspec.Raw(b'{"include_usage":true}')
_MESSAGES: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_OPTIONS: Final = msgspec.json.Decoder(dict[str, Any])
_NUMBER: Final = msgspec.json.Decoder(int | float)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SYSTEM: Final = msgspec.Raw(b'"system"')
_DEVELOPER: Final = b'"developer"'


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds a number is moved into."""

    min: float | None = None
    max: float | None = None


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one format of an upstream differs from OpenAI's, as edits of the body's top-level members.

    They happen in this order: rename, drop, clamp, defaults.
    """

    rename: dict[str, str] = {}
    """Member to its name there (`max_tokens: max_completion_tokens`); a member already there wins."""
    drop: tuple[str, ...] = ()
    """Members it refuses although the call works without them."""
    clamp: dict[str, Range] = {}
    """Member to the range it accepts (`max_tokens: {min: 16}`); only numbers are touched."""
    defaults: dict[str, Any] = {}
    """Members sent where the call has none."""
    stream_options: bool = True
    """False: it refuses `stream_options`, and streams usage unasked or not at all."""
    developer_role: bool = True
    """False: it knows no `developer` messages; they are sent as `system`."""


class FieldEditor:
    """Edits bodies of one format for one upstream.

    :param asks_usage: the format has `stream_options`, by which usage is asked for in streams.
    """

    __slots__ = ("_asks_usage", "_defaults", "_is_plain", "_quirks")

    def __init__(self, quirks: Quirks, *, asks_usage: bool) -> None:
        self._quirks = quirks
        self._asks_usage = asks_usage
        self._defaults = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in quirks.defaults.items()}
        self._is_plain = quirks == Quirks(stream_options=quirks.stream_options)

    def edit(self, fields: Fields, *, stream: bool) -> Fields:
        """Change `fields` in place for this upstream and return them. What cannot be read is left as it is."""
        if self._asks_usage:
            if not self._quirks.stream_options:
                fields.pop("stream_options", None)
            elif stream:
                options = fields.get("stream_options")
                fields["stream_options"] = _ASK_USAGE if options is None else _with_usage(options)
        return fields if self._is_plain else self._apply(fields)

    def edit_body(self, body: bytes, *, stream: bool) -> bytes:
        """Return a rendered body with the same edits; the very same bytes when there is nothing to edit."""
        if self._is_plain and self._quirks.stream_options and not (stream and self._asks_usage):
            return body
        return msgspec.json.encode(self.edit(_FIELDS.decode(body), stream=stream))

    def _apply(self, fields: Fields) -> Fields:
        quirks = self._quirks
        for name, other in quirks.rename.items():
            value = fields.pop(name, None)
            if value is not None:
                fields.setdefault(other, value)
        for name in quirks.drop:
            fields.pop(name, None)
        for name, bounds in quirks.clamp.items():
            if name in fields:
                fields[name] = _clamped(fields[name], bounds)
        for name, default in self._defaults.items():
            fields.setdefault(name, default)
        if not quirks.developer_role and "messages" in fields:
            fields["messages"] = _without_developer(fields["messages"])
        return fields


class QuirkTable:
    """Which editor a model's calls pass: that of the first pattern its id fits, else the common one."""

    __slots__ = ("_common", "_patterns")

    def __init__(self, common: Quirks, by_model: Mapping[str, Quirks], *, asks_usage: bool) -> None:
        self._common = FieldEditor(common, asks_usage=asks_usage)
        self._patterns = [
            (re.compile(fnmatch.translate(pattern)).match, FieldEditor(quirks, asks_usage=asks_usage))
            for pattern, quirks in by_model.items()
        ]

    def editor(self, model: str) -> FieldEditor:
        """Return the editor for calls to an upstream id."""
        for fits, editor in self._patterns:
            if fits(model):
                return editor
        return self._common


def _with_usage(options: msgspec.Raw) -> msgspec.Raw:
    try:
        decoded = _OPTIONS.decode(options)
    except msgspec.DecodeError:
        return _ASK_USAGE  # null, or junk: what we need is what we send
    decoded["include_usage"] = True
    return msgspec.Raw(msgspec.json.encode(decoded))


def _clamped(value: msgspec.Raw, bounds: Range) -> msgspec.Raw:
    try:
        number = _NUMBER.decode(value)
    except msgspec.DecodeError:
        return value  # null or not a number: the upstream's to judge
    moved = number
    if bounds.min is not None:
        moved = max(moved, bounds.min)
    if bounds.max is not None:
        moved = min(moved, bounds.max)
    if moved == number:
        return value
    if isinstance(number, int) and float(moved).is_integer():
        moved = int(moved)
    return msgspec.Raw(msgspec.json.encode(moved))


def _without_developer(messages: msgspec.Raw) -> msgspec.Raw:
    if _DEVELOPER not in bytes(messages):
        return messages
    try:
        decoded = _MESSAGES.decode(messages)
    except msgspec.DecodeError:
        return messages
    for message in decoded:
        if bytes(message.get("role", b"")) == _DEVELOPER:
            message["role"] = _SYSTEM
    return msgspec.Raw(msgspec.json.encode(decoded))
