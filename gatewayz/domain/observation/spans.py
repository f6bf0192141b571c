"""Which rows make up a span of time: whole days and hours where they are summed up, minutes at the edges."""

from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["DAY", "HOUR", "MINUTE", "Kept", "Span", "spans"]

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What rows there are; Unix seconds."""

    hours_until: int = 0
    """All hours that ended by then are summed up."""
    days_until: int = 0
    minutes_from: int = 0
    """Rows of minutes before this are forgotten."""
    hours_from: int = 0
    oldest: int = 0
    """Nothing is known of what was before."""


class Span(msgspec.Struct, frozen=True):
    """Rows of one step that start in `first <= start < end`."""

    step: int
    first: int
    end: int


def spans(first: int, end: int, kept: Kept, coarsest: int = DAY) -> Sequence[Span]:
    """Return spans that together are `first..end`, widened to whole steps where finer ones are forgotten.

    :param coarsest: no rows of a longer step.
    """
    found: list[Span] = []
    at = max(first, kept.oldest)
    at -= at % MINUTE
    while at < end:
        step = _step(at, end, kept, coarsest)
        at -= at % step  # only where finer rows are forgotten
        at, begin = _until(at, end, step, kept, coarsest), at
        if found and found[-1].step == step and found[-1].end == begin:
            begin = found.pop().first
        found.append(Span(step, begin, at))
    return found


def _step(at: int, end: int, kept: Kept, coarsest: int) -> int:
    """Return the longest step that fits here, or the shortest that is left of this time."""
    fits_day = at % DAY == 0 and at + DAY <= min(end, kept.days_until)
    if coarsest >= DAY and (fits_day or at < kept.hours_from) and at < kept.days_until:
        return DAY
    fits_hour = at % HOUR == 0 and at + HOUR <= min(end, kept.hours_until)
    if coarsest >= HOUR and (fits_hour or at < kept.minutes_from) and at < kept.hours_until:
        return HOUR
    return MINUTE


def _until(at: int, end: int, step: int, kept: Kept, coarsest: int) -> int:
    """Return where the next step may be another one."""
    if step == DAY:
        last = min(end, kept.days_until)
        return max(at + DAY, last - last % DAY)
    next_day = at - at % DAY + DAY
    if step == HOUR:
        last = min(end, kept.hours_until)
        return min(next_day, max(at + HOUR, last - last % HOUR))
    next_hour = at - at % HOUR + HOUR
    return min(end, next_hour) if coarsest >= HOUR and next_hour < kept.hours_until else end
