"""Counts as providers send them, made safe: whatever stands there, an integer >= 0 comes out."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

__all__ = ["MAX_COUNT", "as_count", "count", "decode_counts", "has_any", "members"]

MAX_COUNT: Final = 1_000_000_000
"""No single call reads or writes a billion tokens; beyond it a number is garbage, not a bill."""
_NOTHING: Final[Mapping[str, Any]] = {}


def as_count(value: object) -> int:
    """Return `value` as a count: 0 for what is negative, not a finite number or absurdly large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    if not 0 <= value <= MAX_COUNT:  # also false for NaN
        return 0
    return int(value)


def count(raw: Mapping[str, Any], *names: str, most: int | None = None) -> int:
    """Return the first count above zero among the members `names`, at most `most`."""
    for name in names:
        found = as_count(raw.get(name))
        if found:
            return found if most is None else max(0, min(found, most))
    return 0


def members(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object at `name`; empty when it is missing or not an object."""
    value = raw.get(name)
    return value if isinstance(value, dict) else _NOTHING


def has_any(raw: Mapping[str, Any], *names: str) -> bool:
    """Whether at least one of `names` holds a number."""
    return any(isinstance(raw.get(name), int | float) for name in names)


def decode_counts(value: object) -> dict[str, Any] | None:
    """Return a usage object given as a mapping or as JSON bytes; None for null and what is not an object."""
    if isinstance(value, bytes | msgspec.Raw):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    return dict(value) if isinstance(value, Mapping) else None
