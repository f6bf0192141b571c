"""How deep a JSON body is nested, bounded before anything decodes it."""

import re
from typing import Final

from gatewayz.sdk.errors import InvalidRequest

__all__ = ["check_json_depth"]

_ALL_BUT_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}"'))
_QUOTED: Final = re.compile(rb'"[^"]*"')


def check_json_depth(body: bytes, limit: int) -> None:
    """Refuse a body nested deeper than `limit`. Raises InvalidRequest (INVALID_JSON).

    A body with few brackets cannot be deep: most pass at a few microseconds for 100 KB. The others are
    reduced to their brackets outside of strings first, by what is quick in bytes.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if _depth(_QUOTED.sub(b"", unescaped.translate(None, _ALL_BUT_STRUCTURE))) > limit:
        raise InvalidRequest(
            f"The body is nested deeper than {limit} levels.", code="INVALID_JSON", context={"max_value": limit}
        )


def _depth(brackets: bytes) -> int:
    """Return the deepest nesting of brackets, whether or not they match."""
    depth = deepest = 0
    for bracket in brackets:
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
