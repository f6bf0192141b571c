"""Counts in the memory of this process: the twin of `script.TAKE`."""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from gatewayz.domain.limits.bounds import Bound, Granted, Refused, Usage, amount_of

__all__ = ["MemoryCounters"]

_SWEEP_MS: Final = 60_000
_LEASE_WAIT_MS: Final = 1_000
_KEPT: Final = 10_000
"""Sets of bounds whose meters are kept ready."""
_MANY: Final = 3
"""Fewer bounds than this are made for one request and never seen again."""


class _Window:
    """Slots of a sliding window; what can only change when a slot ends is kept ready until then."""

    __slots__ = ("frees_ms", "head", "parts", "slot_ends_ms", "span_ms", "total", "width_ms")

    def __init__(self, bound: Bound) -> None:
        self.total = 0
        self.parts: deque[list[int]] = deque()
        """[slot, count], oldest first."""
        self.width_ms = bound.slot_ms
        self.span_ms = bound.period_ms
        self.slot_ends_ms = 0
        self.head: list[int] | None = None
        """The part of the running slot, once something was taken in it."""
        self.frees_ms = 0
        """When the oldest part is given back."""

    def turn(self, now_ms: int) -> None:
        """Begin the slot of now: give back what is too old."""
        slot = now_ms // self.width_ms
        first = slot - self.span_ms // self.width_ms
        parts = self.parts
        while parts and parts[0][0] <= first:
            self.total -= parts.popleft()[1]
        self.slot_ends_ms = (slot + 1) * self.width_ms
        self.head = parts[-1] if parts and parts[-1][0] >= slot else None
        if parts:
            self.frees_ms = parts[0][0] * self.width_ms + self.span_ms

    def begin(self, now_ms: int) -> list[int]:
        """Return a new part for the running slot."""
        self.head = [now_ms // self.width_ms, 0]
        if not self.parts:
            self.frees_ms = self.head[0] * self.width_ms + self.span_ms
        self.parts.append(self.head)
        return self.head

    def wait_ms(self, need: int, now_ms: int) -> int:
        for slot, count in self.parts:
            need -= count
            if need <= 0:
                return slot * self.width_ms + self.span_ms - now_ms
        return self.span_ms

    def correct(self, at_ms: int, tokens: int, now_ms: int) -> None:
        """Add to what was taken at a moment, as far as its slot still counts."""
        if now_ms >= self.slot_ends_ms:
            self.turn(now_ms)
        slot = at_ms // self.width_ms
        for part in reversed(self.parts):
            if part[0] == slot:
                change = max(-part[1], tokens)
                part[1] += change
                self.total += change
                return

    def is_idle(self, now_ms: int) -> bool:
        if now_ms >= self.slot_ends_ms:
            self.turn(now_ms)
        return not self.parts


class _Bucket:
    __slots__ = ("at_ms", "level", "period_ms")

    def __init__(self, bound: Bound, now_ms: int) -> None:
        self.level = float(bound.limit)
        self.at_ms = now_ms
        self.period_ms = bound.period_ms

    def level_at(self, limit: int, now_ms: int) -> float:
        """Return what is in it; nothing is kept, or refused requests would add rounding to rounding."""
        level = self.level + max(0, now_ms - self.at_ms) * limit / self.period_ms
        return level if level < limit else float(limit)

    def wait_ms(self, limit: int, now_ms: int) -> int:
        """Return 0 when one can be taken, else how long until then."""
        if limit < 1:
            return self.period_ms
        level = self.level_at(limit, now_ms)
        return 0 if level >= 1 else max(1, math.ceil((1 - level) * self.period_ms / limit))

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


class _Meters:
    """The bounds of one caller with the counts that are kept for them, by kind; each with its position and limit."""

    __slots__ = ("bounds", "buckets", "leases", "windows")

    def __init__(self, bounds: tuple[Bound, ...]) -> None:
        self.bounds = bounds
        self.windows: list[tuple[int, _Window, int, bool]] = []
        """The last says whether tokens are counted."""
        self.leases: list[tuple[int, _Leases, int, int]] = []
        """The last is how long one is kept."""
        self.buckets: list[tuple[int, _Bucket, int]] = []

    def have_room(self, tokens: int, now_ms: int) -> bool:
        for _, window, limit, counts_tokens in self.windows:
            if now_ms >= window.slot_ends_ms:
                window.turn(now_ms)
            if window.total + (tokens if counts_tokens else 1) > limit:
                return False  # perhaps: a call of more tokens than the limit may still be made
        for _, leases, limit, _ in self.leases:
            leases.expire(now_ms)
            if len(leases.ends) >= limit:
                return False
        return all(bucket.level_at(limit, now_ms) >= 1 for _, bucket, limit in self.buckets)

    def refusal(self, tokens: int, now_ms: int) -> Refused | None:
        """Return the refusal of the first bound without room."""
        waits = [
            *(
                (at, _window_wait_ms(window, amount_of(self.bounds[at], tokens), limit, now_ms))
                for at, window, limit, _ in self.windows
            ),
            *((at, _LEASE_WAIT_MS if len(leases.ends) >= limit else 0) for at, leases, limit, _ in self.leases),
            *((at, bucket.wait_ms(limit, now_ms)) for at, bucket, limit in self.buckets),
        ]
        index, wait_ms = min(((at, wait_ms) for at, wait_ms in waits if wait_ms), default=(0, 0))
        return Refused(index=index, wait_ms=wait_ms, at_ms=now_ms) if wait_ms else None

    def take(self, tokens: int, lease: str, now_ms: int) -> Granted:
        """Take from every one, all of which have room."""
        remaining = [0] * len(self.bounds)
        reset_ms = remaining.copy()
        for at, window, limit, counts_tokens in self.windows:
            amount = (tokens if tokens < limit else limit) if counts_tokens else 1
            head = window.head or window.begin(now_ms)
            head[1] += amount
            window.total += amount
            remaining[at] = limit - window.total
            reset_ms[at] = window.frees_ms - now_ms
        for at, leases, limit, period_ms in self.leases:
            leases.ends[lease] = now_ms + period_ms
            remaining[at] = limit - len(leases.ends)
        for at, bucket, limit in self.buckets:
            bucket.level = level = bucket.level_at(limit, now_ms) - 1
            bucket.at_ms = max(bucket.at_ms, now_ms)
            remaining[at] = math.floor(level)
            reset_ms[at] = math.ceil((limit - level) * bucket.period_ms / limit)
        return Granted(at_ms=now_ms, remaining=remaining, reset_ms=reset_ms, lease=lease)

    def give_back(self, granted: Granted, tokens: int, now_ms: int) -> None:
        """End the lease and correct the tokens."""
        for _, leases, _, _ in self.leases:
            leases.ends.pop(granted.lease, None)
        if tokens:
            for _, window, _, counts_tokens in self.windows:
                if counts_tokens:
                    window.correct(granted.at_ms, tokens, now_ms)


class MemoryCounters:
    """`Counters` of one process.

    :param now_ms: wall clock in milliseconds.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._windows: dict[str, _Window] = {}
        self._buckets: dict[str, _Bucket] = {}
        self._leases: dict[str, _Leases] = {}
        self._meters: dict[int, _Meters] = {}
        """By identity of the bounds, which callers keep: finding a dozen counts by name is half of the work."""
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
        meters, tokens = self._meters_of(bounds, now_ms), max(1, tokens)
        if not meters.have_room(tokens, now_ms) and (refused := meters.refusal(tokens, now_ms)) is not None:
            return refused
        return meters.take(tokens, lease, now_ms)

    def give_back_now(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """End the lease and correct the tokens."""
        now_ms = self._now_ms()
        self._meters_of(bounds, now_ms).give_back(granted, tokens, now_ms)

    async def usage(self, bounds: tuple[Bound, ...]) -> list[Usage]:
        """Return what has been taken of windows; never waits."""
        return [self.usage_now(bound) for bound in bounds]

    async def reset(self) -> None:
        """Do nothing: there are no connections."""

    def usage_now(self, bound: Bound) -> Usage:
        """Return what has been taken of a window."""
        now_ms = self._now_ms()
        window = self._windows.get(bound.key)
        if window is None or window.is_idle(now_ms) or not window.total:
            return Usage(used=0, reset_ms=0)
        return Usage(used=window.total, reset_ms=window.wait_ms(1, now_ms))

    def forget(self) -> int:
        """Drop every count; return how many there were."""
        count = len(self._windows) + len(self._buckets) + len(self._leases)
        self._windows.clear()
        self._buckets.clear()
        self._leases.clear()
        self._meters.clear()
        return count

    def _meters_of(self, bounds: tuple[Bound, ...], now_ms: int) -> _Meters:
        meters = self._meters.get(id(bounds))
        if meters is not None and meters.bounds is bounds:
            return meters
        meters = _Meters(bounds)
        for at, bound in enumerate(bounds):
            if bound.kind == "window":
                window = self._windows.setdefault(bound.key, _Window(bound))
                meters.windows.append((at, window, bound.limit, bound.counts_tokens))
            elif bound.kind == "lease":
                leases = self._leases.setdefault(bound.key, _Leases())
                meters.leases.append((at, leases, bound.limit, bound.period_ms))
            else:
                bucket = self._buckets.setdefault(bound.key, _Bucket(bound, now_ms))
                bucket.period_ms = bound.period_ms
                meters.buckets.append((at, bucket, bound.limit))
        if len(bounds) >= _MANY:
            if len(self._meters) >= _KEPT:
                self._meters.clear()
            self._meters[id(bounds)] = meters
        return meters

    def _sweep(self, now_ms: int) -> None:
        """Forget those who have not called for as long as their bounds look back."""
        self._sweep_at = now_ms + _SWEEP_MS
        self._meters.clear()
        for counts in (self._windows, self._buckets, self._leases):
            idle = [key for key, count in counts.items() if count.is_idle(now_ms)]
            for key in idle:
                counts.pop(key, None)


def _window_wait_ms(window: _Window, amount: int, limit: int, now_ms: int) -> int:
    need = window.total + amount - limit
    return max(1, window.wait_ms(need, now_ms)) if need > 0 else 0
