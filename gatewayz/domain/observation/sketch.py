"""A distribution in few bytes: how many values fell into each of many buckets that grow by a constant factor.

Every quantile is within 4.8 % of the true one, whatever the distribution, and two sketches add up to the
sketch of both. Source: Masson, Rim, Lee: DDSketch, VLDB 2019.
"""

from collections.abc import Sequence
from math import ceil, log
from typing import Final

__all__ = ["Sketch"]

_GROWTH: Final = 1.1
"""Bounds of a bucket are a factor of this apart: the middle is off by (1.1 - 1) / (1.1 + 1) at most."""
_PER_LOG: Final = 1 / log(_GROWTH)
_MIDDLE: Final = 2 / (_GROWTH + 1)
_EXACTLY: Final = 1 + 1e-9
"""For bounds that are powers, rounded."""
_LEAST: Final = 0.01
_MOST: Final = 1e9
"""Values are kept inside these bounds, which bounds the number of buckets (266)."""


class Sketch:
    """`gatewayz.domain.observation.traffic.Quantiles` that can be added to."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._sum = 0.0

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self._buckets.values())

    def add(self, value: float) -> None:
        """Take in a value."""
        bounded = _LEAST if value < _LEAST else _MOST if value > _MOST else value  # `min` and `max` take twice as long
        index = ceil(log(bounded) * _PER_LOG)
        buckets = self._buckets
        buckets[index] = buckets.get(index, 0) + 1
        self._sum += value

    def merge(self, other: "Sketch") -> None:
        """Take in all values of another sketch."""
        buckets = self._buckets
        if buckets:
            for index, count in other._buckets.items():
                buckets[index] = buckets.get(index, 0) + count
        else:
            buckets.update(other._buckets)
        self._sum += other._sum

    def quantile(self, share: float) -> float | None:
        """Return the value that `share` (0..1) of all are not above, None without any."""
        rank = share * (self.count - 1)
        seen = 0
        for index in sorted(self._buckets):
            seen += self._buckets[index]
            if seen > rank:
                return float(_GROWTH**index * _MIDDLE)
        return None

    @property
    def total(self) -> float:
        """The exact sum of all values."""
        return self._sum

    def at_most(self, bounds: Sequence[float]) -> list[int]:
        """Return for each of these ascending bounds how many values are surely not above it.

        A value less than a tenth below a bound may be missing there.
        """
        counts, seen, buckets = [], 0, sorted(self._buckets.items(), reverse=True)
        for bound in bounds:
            while buckets and _GROWTH ** buckets[-1][0] <= bound * _EXACTLY:
                seen += buckets.pop()[1]
            counts.append(seen)
        return counts

    def mean(self) -> float | None:
        """Return the exact mean, None without any value."""
        count = self.count
        return self._sum / count if count else None

    def pack(self) -> list[float]:
        """Return the sum, then for each bucket in order the distance from the last one, and its count."""
        packed: list[float] = [self._sum]
        last = 0
        for index in sorted(self._buckets):
            packed += (index - last, self._buckets[index])
            last = index
        return packed

    @classmethod
    def unpack(cls, packed: Sequence[float]) -> "Sketch":
        """Return the sketch that was packed."""
        sketch = cls()
        sketch._sum = float(packed[0])
        index = 0
        for distance, count in zip(packed[1::2], packed[2::2], strict=True):
            index += int(distance)
            sketch._buckets[index] = int(count)
        return sketch
