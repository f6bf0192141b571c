"""Buckets of the last hour by minute, of this process or of the others."""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from gatewayz.domain.observation.bucket import Bucket

__all__ = ["KEPT_MINUTES", "OTHER", "Key", "Minutes", "Names"]

Key = tuple[str, str]
"""Provider and model."""
K = TypeVar("K")
KEPT_MINUTES: Final = 61
"""An hour of whole minutes and the one that runs. Minutes are counted from 1970."""
OTHER: Final = ("other", "other")
"""Stands for the offers that are too many to be told apart."""


class Minutes(Generic[K]):
    """Buckets by minute and key; those of more than an hour before the newest are forgotten."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[int, dict[K, Bucket]] = {}

    def bucket(self, minute: int, key: K) -> Bucket:
        """Return the bucket to count in."""
        buckets = self._of(minute)
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = Bucket()
        return bucket

    def put(self, minute: int, key: K, bucket: Bucket) -> bool:
        """Replace a bucket by a later copy of it, which has counted more; return whether it was one."""
        buckets = self._of(minute)
        before = buckets.get(key)
        if before is not None and sum(before.counters()) >= sum(bucket.counters()):
            return False
        buckets[key] = bucket
        return True

    def between(self, first: int, last: int) -> Iterator[tuple[int, K, Bucket]]:
        """Yield what is kept of these minutes, both included."""
        for minute, buckets in self._buckets.items():
            if first <= minute <= last:
                for key, bucket in buckets.items():
                    yield minute, key, bucket

    def _of(self, minute: int) -> dict[K, Bucket]:
        buckets = self._buckets.get(minute)
        if buckets is None:
            for old in [each for each in self._buckets if each <= minute - KEPT_MINUTES]:
                del self._buckets[old]
            buckets = self._buckets[minute] = {}
        return buckets


class Names:
    """Which offers are told apart: so many in an hour, the others are one."""

    __slots__ = ("_most", "_seen")

    def __init__(self, most: int) -> None:
        self._seen: dict[Key, int] = {}
        self._most = most

    def of(self, minute: int, key: Key) -> Key:
        """Return what an offer is counted as in a minute."""
        if key not in self._seen and len(self._seen) >= self._most:
            self._seen = {each: seen for each, seen in self._seen.items() if seen > minute - KEPT_MINUTES}
            if len(self._seen) >= self._most:
                return OTHER
        self._seen[key] = minute
        return key
