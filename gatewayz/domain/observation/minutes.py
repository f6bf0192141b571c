"""Buckets of the last hour by minute, of this process or of the others."""

from collections.abc import Iterator
from typing import Final

from gatewayz.domain.observation.bucket import Bucket

__all__ = ["KEPT_MINUTES", "Key", "Minutes"]

Key = tuple[str, str]
"""Provider and model."""
KEPT_MINUTES: Final = 61
"""An hour of whole minutes and the one that runs. Minutes are counted from 1970."""
_OTHER: Final = ("other", "other")


class Minutes:
    """One process's buckets, for so many offers at most."""

    __slots__ = ("_buckets", "_max_offers", "_offers")

    def __init__(self, max_offers: int) -> None:
        self._buckets: dict[int, dict[Key, Bucket]] = {}
        self._offers: dict[Key, int] = {}
        self._max_offers = max_offers

    def name(self, minute: int, key: Key) -> Key:
        """Return what an offer is counted as in a minute: itself, or `other` when there are too many."""
        if key not in self._offers and len(self._offers) >= self._max_offers:
            return _OTHER
        self._offers[key] = minute
        return key

    def bucket(self, minute: int, key: Key) -> Bucket:
        """Return the bucket to count in."""
        buckets = self._buckets.get(minute)
        if buckets is None:
            self._forget_before(minute - KEPT_MINUTES + 1)
            buckets = self._buckets[minute] = {}
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = Bucket()
        return bucket

    def put(self, minute: int, key: Key, bucket: Bucket) -> None:
        """Replace a bucket."""
        self.bucket(minute, key)
        self._buckets[minute][key] = bucket

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Bucket]]:
        """Yield what is kept of these minutes, both included."""
        for minute, buckets in self._buckets.items():
            if first <= minute <= last:
                for key, bucket in buckets.items():
                    yield minute, key, bucket

    def _forget_before(self, minute: int) -> None:
        for old in [each for each in self._buckets if each < minute]:
            del self._buckets[old]
        for key in [key for key, seen in self._offers.items() if seen < minute]:
            del self._offers[key]
