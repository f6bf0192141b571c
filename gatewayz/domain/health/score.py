"""The score of a provider: 0 to 100, from its last hour. Source: spec 00 §13; docs/health.md.

Nothing is counted for it: it is read from the minutes of the one record of traffic.
"""

from collections.abc import Iterable
from typing import Final, Literal

from gatewayz.domain.observation.traffic import Tally

__all__ = ["START", "Grade", "grade", "score"]

Grade = Literal["healthy", "degraded", "unhealthy", "unknown"]

START: Final = 100
_SUCCESS: Final = 2
_FAILURE: Final = 5
_HEALTHY: Final = 80
_DEGRADED: Final = 50


def score(minutes: Iterable[Tally]) -> int | None:
    """Return the score after these minutes, oldest first; None when nothing was seen.

    It starts at 100; each minute adds 2 for a success and takes 5 for a failure, and ends within 0..100.
    The order of events within one minute is not known, so their sum is taken.
    """
    points: int | None = None
    for good, bad in minutes:
        before = START if points is None else points
        points = max(0, min(START, before + _SUCCESS * good - _FAILURE * bad))
    return points


def grade(points: int | None) -> Grade:
    """Return the word for a score."""
    if points is None:
        return "unknown"
    return "healthy" if points >= _HEALTHY else "degraded" if points >= _DEGRADED else "unhealthy"
