"""Counts in the memory of this process: the twin of `script.TAKE`."""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from gatewayz.domain.limits.bounds import Bound, Granted, Refused, Usage, amount_of

__all__ = ["MemoryCounters"]

_SWEEP_MS: Final = 60_000


class _Window:
    __slots__ = ("parts", "span_ms", "total", "width_ms")

    def __init__(self, bound: Bound) -> None:
        self.total = 0
        self.parts: deque[list[int]] = deque()
        """[slot, count], oldest first."""
        self.width_ms = bound.slot_ms
        self.span_ms = bound.period_ms

    def expire(self, now_ms: int) -> None:
        first = now_ms // self.width_ms - self.span_ms // self.width_ms
        parts = self.parts
        while parts and parts[0][0] <= first:
            self.total -= parts.popleft()[1]

    def add(self, slot: int, amount: int) -> None:
        self.total += amount
        if self.parts and self.parts[-1][0] == slot:
            self.parts[-1][1] += amount
        else:
            self.parts.append([slot, amount])

    def wait_ms(self, need: int, now_ms: int) -> int:
        for slot, count in self.parts:
            need -= count
            if need <= 0:
                return slot * self.width_ms + self.span_ms - now_ms
        return self.span_ms

    def is_idle(self, now_ms: int) -> bool:
        self.expire(now_ms)
        return not self.parts


class _Bucket:
    __slots__ = ("at_ms", "level", "period_ms")

    def __init__(self, bound: Bound, now_ms: int) -> None:
        self.level = float(bound.limit)
        self.at_ms = now_ms
        self.period_ms = bound.period_ms

    def level_at(self, bound: Bound, now_ms: int) -> float:
        """Return what is in it; nothing is kept, or refused requests would add rounding to rounding."""
        gained = max(0, now_ms - self.at_ms) * bound.limit / bound.period_ms
        return min(float(bound.limit), self.level + gained)

    def is_idle(self, now_ms: int) -> bool:
        return now_ms - self.at_ms > self.period_ms


class _Leases:
    __slots__ = ("ends",)

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}

    def expire(self, now_ms: int) -> None:
        ends = self.ends
        while ends and ends[first := next(iter(ends))] <= now_ms:  # taken in order, for as long each
            del ends[first]

    def is_idle(self, now_ms: int) -> bool:
        self.expire(now_ms)
        return not self.ends


class MemoryCounters:
    """`Counters` of one process.

    :param now_ms: wall clock in milliseconds.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._windows: dict[str, _Window] = {}
        self._buckets: dict[str, _Bucket] = {}
        self._leases: dict[str, _Leases] = {}
        self._sweep_at = 0

    async def take(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
        """Take all or nothing; never waits."""
        return self.take_now(bounds, tokens, lease)

    async def give_back(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """End the lease and correct the tokens; never waits."""
        self.give_back_now(bounds, granted, tokens)

    def take_now(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
        """Take all or nothing."""
        now_ms = self._now_ms()
        if now_ms >= self._sweep_at:
            self._sweep(now_ms)
        for index, bound in enumerate(bounds):
            wait_ms = self._wait(bound, tokens, now_ms)
            if wait_ms:
                return Refused(index=index, wait_ms=wait_ms, at_ms=now_ms)
        remaining, reset_ms = [], []
        for bound in bounds:
            left, reset = self._apply(bound, tokens, lease, now_ms)
            remaining.append(left)
            reset_ms.append(reset)
        return Granted(at_ms=now_ms, remaining=remaining, reset_ms=reset_ms, lease=lease)

    def give_back_now(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """End the lease and correct the tokens."""
        now_ms = self._now_ms()
        for bound in bounds:
            if bound.kind == "lease":
                leases = self._leases.get(bound.key)
                if leases is not None:
                    leases.ends.pop(granted.lease, None)
            elif bound.counts_tokens and tokens:
                self._correct(bound, granted.at_ms, tokens, now_ms)

    def usage(self, bound: Bound) -> Usage:
        """Return what has been taken of a window."""
        now_ms = self._now_ms()
        window = self._windows.get(bound.key)
        if window is None or window.is_idle(now_ms):
            return Usage(used=0, reset_ms=0)
        return Usage(used=window.total, reset_ms=window.wait_ms(1, now_ms))

    def forget(self) -> int:
        """Drop every count; return how many there were."""
        count = len(self._windows) + len(self._buckets) + len(self._leases)
        self._windows.clear()
        self._buckets.clear()
        self._leases.clear()
        return count

    def _wait(self, bound: Bound, tokens: int, now_ms: int) -> int:
        """Return 0 when the bound has room, else how long until it may."""
        if bound.kind == "window":
            window = self._windows.get(bound.key)
            amount = amount_of(bound, tokens)
            if window is None:
                return bound.period_ms if amount > bound.limit else 0
            window.expire(now_ms)
            need = window.total + amount - bound.limit
            return max(1, window.wait_ms(need, now_ms)) if need > 0 else 0
        if bound.kind == "lease":
            leases = self._leases.get(bound.key)
            if leases is None:
                return 1_000 if bound.limit < 1 else 0
            leases.expire(now_ms)
            return 0 if len(leases.ends) < bound.limit else 1_000
        if bound.limit < 1:
            return bound.period_ms
        bucket = self._buckets.get(bound.key)
        if bucket is None:
            return 0
        level = bucket.level_at(bound, now_ms)
        return 0 if level >= 1 else max(1, math.ceil((1 - level) * bound.period_ms / bound.limit))

    def _apply(self, bound: Bound, tokens: int, lease: str, now_ms: int) -> tuple[int, int]:
        """Take; return what remains and how long until something comes back."""
        if bound.kind == "window":
            window = self._windows.get(bound.key)
            if window is None:
                window = self._windows[bound.key] = _Window(bound)
            window.add(now_ms // window.width_ms, amount_of(bound, tokens))
            return bound.limit - window.total, window.parts[0][0] * window.width_ms + window.span_ms - now_ms
        if bound.kind == "lease":
            leases = self._leases.setdefault(bound.key, _Leases())
            leases.ends[lease] = now_ms + bound.period_ms
            return bound.limit - len(leases.ends), 0
        bucket = self._buckets.get(bound.key)
        if bucket is None:
            bucket = self._buckets[bound.key] = _Bucket(bound, now_ms)
        bucket.level = bucket.level_at(bound, now_ms) - 1
        bucket.at_ms, bucket.period_ms = max(bucket.at_ms, now_ms), bound.period_ms
        return math.floor(bucket.level), math.ceil((bound.limit - bucket.level) * bound.period_ms / bound.limit)

    def _correct(self, bound: Bound, at_ms: int, tokens: int, now_ms: int) -> None:
        window = self._windows.get(bound.key)
        if window is None:
            return
        window.expire(now_ms)
        slot = at_ms // window.width_ms
        for part in window.parts:
            if part[0] == slot:
                change = max(-part[1], tokens)
                part[1] += change
                window.total += change
                return

    def _sweep(self, now_ms: int) -> None:
        """Forget those who have not called for as long as their bounds look back."""
        self._sweep_at = now_ms + _SWEEP_MS
        for counts in (self._windows, self._buckets, self._leases):
            idle = [key for key, count in counts.items() if count.is_idle(now_ms)]
            for key in idle:
                counts.pop(key, None)
