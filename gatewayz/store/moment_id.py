"""Ids that carry their moment: 41 bits of milliseconds, 22 bits to tell rows of one millisecond apart.

In order of id is in order of time: the primary key serves as index on time, as paging cursor and
as partition key. Two processes may draw the same id; then the store refuses the second group, and
its writer draws other ones (`MomentIds.reseed`).
Source: docs/decisions/0062-usage-rows-by-day.md.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["EPOCH", "MomentIds", "first_id", "moment_of"]

EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
WORKER_BITS: Final = 12
SEQUENCE_BITS: Final = 10
SUFFIX_BITS: Final = WORKER_BITS + SEQUENCE_BITS
WORKER_MASK: Final = ((1 << WORKER_BITS) - 1) << SEQUENCE_BITS
MILLISECOND: Final = timedelta(milliseconds=1)


def first_id(moment: datetime) -> int:
    """Return the lowest id of a moment: every row before it has a lower one."""
    return ((moment - EPOCH) // MILLISECOND) << SUFFIX_BITS


def moment_of(row_id: int) -> datetime:
    """Return the moment an id carries, to the millisecond."""
    return EPOCH + (row_id >> SUFFIX_BITS) * MILLISECOND


class MomentIds:
    """Draws ids for one process.

    :param draw: returns a random number below its argument (`random.randrange`).
    """

    __slots__ = ("_draw", "_last", "_worker")

    def __init__(self, draw: Callable[[int], int]) -> None:
        self._draw = draw
        self._last = 0
        self._worker = 0
        self.reseed()

    def reseed(self) -> None:
        """Take another random worker number."""
        self._worker = self._draw(1 << WORKER_BITS) << SEQUENCE_BITS

    def next(self, first: int) -> int:
        """Return an id of the moment whose `first_id` is given, different from every other this object has drawn."""
        row_id = first | self._worker
        if row_id <= self._last:
            # Not the first of its millisecond, or the clock went back: go on from the last one.
            row_id = self._last + 1
            if row_id & WORKER_MASK != self._worker:  # this millisecond is full, or another worker's
                row_id = ((self._last >> SUFFIX_BITS) + 1 << SUFFIX_BITS) | self._worker
        self._last = row_id
        return row_id
