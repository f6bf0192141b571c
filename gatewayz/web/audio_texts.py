"""Bodies that bring their sound as text, JSON or an urlencoded form: parted into the sound and its fields.

They can have tens of megabytes, nearly all of it the sound: `part_json` and `part_urlencoded` are for
another thread, and bound the fields before anything is made of them.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from gatewayz.dialects.repeated_names import repeated_member
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest
from gatewayz.web.json_depth import check_json_depth
from gatewayz.web.spool import BLOCK_BYTES

__all__ = ["FIELDS_BYTES", "MAX_FIELDS", "check_fields", "part_json", "part_urlencoded", "unquoted_pieces"]

FIELDS_BYTES: Final = 64 * 1024
"""All fields but the sound."""
MAX_FIELDS: Final = 64
"""The sound among them."""
_ESCAPE_BYTES: Final = len("%2B")
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BROKEN: Final = (msgspec.DecodeError, ValueError, RecursionError)


def check_fields(count: int, size: int) -> None:
    """Raises BodyTooLarge for too many fields, or fields whose bytes are too many."""
    if count > MAX_FIELDS:
        raise BodyTooLarge("The form has too many fields.", context={"max_value": MAX_FIELDS})
    if size > FIELDS_BYTES:
        raise BodyTooLarge("The fields of the form are too large.", context={"max_value": FIELDS_BYTES})


def part_json(body: bytes, sound: str, max_depth: int) -> tuple[bytes | None, dict[str, Any]]:
    """Return the text of the sound, None where there is none, and the other members.

    :param sound: the sound's name.
    Raises InvalidRequest (INVALID_JSON) for what is no object, nested deeper than `max_depth` or gives a name
    twice, (INVALID_PARAMETER_TYPE) for a sound that is no text; BodyTooLarge.
    """
    check_fields(0, body.count(b":"))  # each member has one, base64 has none: no millions of members are decoded
    try:
        members = _MEMBERS.decode(body)
        repeated = repeated_member(body, members)
        raw = members.pop(sound, None)
        rest = msgspec.json.encode(members)
        check_fields(len(members) + 1, len(rest))
        check_json_depth(rest, max_depth)
        fields: dict[str, Any] = msgspec.json.decode(rest)
        text = None if raw is None else _text(raw, sound)
    except _BROKEN as err:
        raise InvalidRequest("The body is not a JSON object.", code="INVALID_JSON") from err
    if repeated is not None:
        shown = repeated[:100]
        raise InvalidRequest(f"the body gives {shown!r} more than once", code="INVALID_JSON", param=shown)
    return text, fields


def _text(raw: msgspec.Raw, name: str) -> bytes | None:
    try:
        text = msgspec.json.decode(raw, type=str | None)
    except msgspec.ValidationError as err:
        raise InvalidRequest(f"{name} must be a string", code="INVALID_PARAMETER_TYPE", param=name) from err
    return None if text is None else text.encode("ascii", "replace")  # `?` is no base64 either


def part_urlencoded(body: bytes, sound: str) -> tuple[list[bytes], list[tuple[str, str]]]:
    """Return the texts of the sound as they came, for `unquoted_pieces`, and the other fields.

    :param sound: the sound's name.
    Raises InvalidRequest for what is no form, BodyTooLarge.
    """
    check_fields(body.count(b"&") + 1, 0)
    sounds: list[bytes] = []
    others: list[bytes] = []
    for pair in body.split(b"&"):
        name, equals, value = pair.partition(b"=")
        is_short = len(name) <= _ESCAPE_BYTES * len(sound)
        if equals and is_short and unquote_to_bytes(name) == sound.encode():
            sounds.append(value)
        else:
            others.append(pair)
    check_fields(0, sum(map(len, others)) // _ESCAPE_BYTES)  # at least; exactly when they are read
    if not others:
        return sounds, []
    try:
        return sounds, parse_qsl(b"&".join(others).decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except ValueError as err:
        raise InvalidRequest("The body is not a form.") from err


def unquoted_pieces(value: bytes) -> Iterator[bytes]:
    """Read an urlencoded text piece by piece; no escape is cut in two."""
    at = 0
    while at < len(value):
        end = at + BLOCK_BYTES
        escape = value.find(b"%", end - _ESCAPE_BYTES + 1, end)
        if escape >= 0:
            end = escape
        yield unquote_to_bytes(value[at:end].replace(b"+", b" "))
        at = end
