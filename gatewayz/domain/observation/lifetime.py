"""What a process has counted since it started: the minutes that are over, added up, and those that run."""

from collections.abc import Mapping
from sys import maxsize

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.minutes import OTHER, Key, Minutes

__all__ = ["Lifetime"]


class Lifetime:
    """Sums by offer that only grow. Nothing is counted for it: it reads the minutes of this process.

    :param most: offers told apart, those that were seen first; all others are one.
    """

    def __init__(self, minutes: Minutes[Key], *, most: int) -> None:
        self._minutes = minutes
        self._most = most
        self._past: dict[Key, Bucket] = {}
        self._past_until = 0
        self._names: set[Key] = set()

    def minute_began(self, minute: int) -> None:
        """Add up what is over; the minute before stays open, for events that were not counted yet."""
        if minute - 1 > self._past_until:
            for _, key, bucket in self._minutes.between(self._past_until, minute - 2):
                self._past.setdefault(self._name(key), Bucket()).merge(bucket)
            self._past_until = minute - 1

    def sums(self) -> Mapping[Key, Bucket]:
        """Return the sums until now. They must not be changed, and hold until the next minute begins."""
        sums: dict[Key, Bucket] = {}
        for _, key, bucket in self._minutes.between(self._past_until, maxsize):
            sums.setdefault(self._name(key), Bucket()).merge(bucket)
        for key, past in self._past.items():
            if key in sums:
                sums[key].merge(past)
            else:
                sums[key] = past
        return sums

    def _name(self, key: Key) -> Key:
        if key in self._names:
            return key
        if len(self._names) >= self._most:
            return OTHER
        self._names.add(key)
        return key
