"""Counts of requests and failures over the last seconds, in constant space."""

from typing import Final

__all__ = ["Window"]

BUCKETS: Final = 12


class Window:
    """A sliding window of `span_s` seconds, exact to one twelfth of it."""

    __slots__ = ("_bucket_s", "_current", "_failures", "_requests", "failures", "requests")

    def __init__(self, span_s: float) -> None:
        self._bucket_s = span_s / BUCKETS
        self._requests = [0] * BUCKETS
        self._failures = [0] * BUCKETS
        self._current = 0
        self.requests = 0
        self.failures = 0

    def add(self, now: float, failed: bool) -> None:
        """Count one finished request at `now` (monotonic seconds)."""
        self.advance(now)
        place = self._current % BUCKETS
        self._requests[place] += 1
        self.requests += 1
        if failed:
            self._failures[place] += 1
            self.failures += 1

    def advance(self, now: float) -> None:
        """Forget what has left the window; `requests` and `failures` are true as of `now` afterwards."""
        bucket = int(now / self._bucket_s)
        current = self._current
        if bucket <= current:
            return
        if self.requests:
            for step in range(current + 1, min(bucket, current + BUCKETS) + 1):
                place = step % BUCKETS
                self.requests -= self._requests[place]
                self.failures -= self._failures[place]
                self._requests[place] = self._failures[place] = 0
        self._current = bucket

    def failure_rate(self) -> float:
        """Share of failures in the window, 0 when it is empty."""
        return self.failures / self.requests if self.requests else 0.0

    def clear(self) -> None:
        """Forget everything."""
        self._requests = [0] * BUCKETS
        self._failures = [0] * BUCKETS
        self.requests = self.failures = 0
