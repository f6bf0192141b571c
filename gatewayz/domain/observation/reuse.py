"""Answers that are computed again only when that costs little."""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from gatewayz.sdk.clock import Clock

__all__ = ["Reuse"]

T = TypeVar("T")
_COST_SHARE: Final = 20
"""An answer is good for so many times as long as it took: reading costs 5 % of the processor at most."""
_MOST: Final = 64


class Reuse:
    """Keeps answers while nothing has changed, and dear ones a little longer."""

    __slots__ = ("_clock", "_kept")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[Hashable, float, Any]] = {}

    def get(self, question: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        """Return the answer to a question on data of some version."""
        started = self._clock.monotonic()
        kept = self._kept.get(question)
        if kept is not None and (kept[0] == version or started < kept[1]):
            answer: T = kept[2]
            return answer
        if len(self._kept) >= _MOST:
            self._kept.clear()
        answer = compute()
        ended = self._clock.monotonic()
        self._kept[question] = (version, ended + (ended - started) * _COST_SHARE, answer)
        return answer
