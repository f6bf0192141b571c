"""How deep a JSON body is nested, bounded before anything decodes it."""

from typing import Final

from gatewayz.sdk.errors import InvalidRequest

__all__ = ["check_json_depth"]

_ALL_BUT_OPENING: Final = bytes(set(range(256)) - set(b"[{"))
_ALL_BUT_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}"'))
_BRACES_AS_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")


def check_json_depth(body: bytes, limit: int) -> None:
    """Refuse a body nested deeper than `limit`. Raises InvalidRequest (INVALID_JSON).

    A body with few brackets cannot be deep; most pass here, at 30 µs for 100 KB. The others are reduced
    to their brackets outside of strings, at about 200 µs.
    """
    if len(body.translate(None, _ALL_BUT_OPENING)) <= limit:
        return
    if _depth(_brackets_outside_strings(body), limit) > limit:
        raise InvalidRequest(
            f"The body is nested deeper than {limit} levels.", code="INVALID_JSON", context={"max_value": limit}
        )


def _brackets_outside_strings(body: bytes) -> bytes:
    if b"\\\\" in body:
        body = body.replace(b"\\\\", b"")
    pieces = body.replace(b'\\"', b"").translate(_BRACES_AS_BRACKETS, _ALL_BUT_STRUCTURE).split(b'"')
    return b"".join(pieces[::2])


def _depth(brackets: bytes, enough: int) -> int:
    """Return how deep brackets are nested, or more than `enough`; one level at a time is taken away from inside."""
    levels = 0
    while levels <= enough:
        outer = brackets.replace(b"[]", b"")
        if len(outer) == len(brackets):
            return levels + brackets.count(b"[")  # what is left does not match
        brackets = outer
        levels += 1
    return levels
