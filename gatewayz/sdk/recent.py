"""What was worked out of a large value lately, found again by the value's identity."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["Recent"]

K = TypeVar("K")
V = TypeVar("V")

_KEPT: Final = 2
"""Calls and batches see catalogs of their own, in turn: each has its place."""


class Recent(Generic[K, V]):
    """Remembers the results for the two values that came last.

    :param work_out: makes the result; the values are kept alive, so that no other takes their identity.
    """

    __slots__ = ("_found", "_work_out")

    def __init__(self, work_out: Callable[[K], V]) -> None:
        self._work_out = work_out
        self._found: tuple[tuple[K, V], ...] = ()

    def of(self, value: K) -> V:
        """Return the result for a value."""
        for known, result in self._found:
            if known is value:
                return result
        result = self._work_out(value)
        self._found = ((value, result), *self._found[: _KEPT - 1])
        return result
