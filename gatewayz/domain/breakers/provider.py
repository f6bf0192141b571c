"""The visible breaker of one provider: consecutive failed client requests over all its circuits.

It admits nothing itself. When it opens, every circuit of the provider is opened with it; afterwards
each circuit probes for itself, so that a sick model cannot keep a healthy one of the same provider
shut. Source: spec 00 §11, design 11; docs/decisions/0015.
"""

from collections import deque
from collections.abc import Iterable

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.breakers.window import Window

__all__ = ["ProviderBreaker"]


class ProviderBreaker:
    """Times are monotonic seconds, passed in by the caller."""

    __slots__ = (
        "_rules",
        "_state",
        "changed_at",
        "failed_elsewhere",
        "failures",
        "failures_at",
        "opened_at",
        "reset_at",
        "seen_at",
        "succeeded_at",
        "successes",
        "window",
    )

    def __init__(self, rules: Rules, now: float) -> None:
        self._rules = rules
        self._state = State.CLOSED
        self.window = Window(rules.window_s)
        self.failures = 0
        """Consecutive ones in this process."""
        self.failed_elsewhere = 0
        """Consecutive ones other processes told of."""
        self.failures_at: deque[float] = deque(maxlen=rules.failure_threshold)
        self.successes = 0
        """Consecutive ones, since it opened if it did."""
        self.succeeded_at = float("-inf")
        self.opened_at = 0.0
        self.changed_at = float("-inf")
        self.reset_at = float("-inf")
        self.seen_at = now
        """When somebody last used it or looked at it."""

    def state(self, now: float) -> State:
        """The present state; open becomes half-open when its time has passed, traffic or not."""
        if self._state is State.OPEN and now >= self.opened_at + self._rules.recovery_s:
            self._state = State.HALF_OPEN
            self.successes = 0
        return self._state

    def succeeded(self, now: float) -> bool:
        """Count a success; True when it closed the breaker."""
        self.seen_at = self.succeeded_at = now
        self.window.add(now, failed=False)
        self.successes += 1
        if self.failures or self.failed_elsewhere:
            self._forget_failures()
        if self._state is State.CLOSED:
            return False
        self.state(now)
        self._state = State.HALF_OPEN
        if self.successes < self._rules.success_threshold:
            return False
        self.close(now)
        return True

    def failed(self, now: float) -> bool:
        """Count a failed client request; True when it opened a closed breaker."""
        self.seen_at = now
        self.window.add(now, failed=True)
        self.failures += 1
        self.failures_at.append(now)
        state = self.state(now)
        self.successes = 0
        if state is State.HALF_OPEN:
            self.open(now)
            return False
        return state is State.CLOSED and self._open_when_due(now)

    def heard(self, now: float, failures_at: Iterable[float], succeeded_at: float) -> bool:
        """Take in what other processes saw since the last success anywhere; True when that opened it."""
        if succeeded_at > self.succeeded_at:
            self.succeeded_at = succeeded_at
            while self.failures_at and self.failures_at[0] <= succeeded_at:
                self.failures_at.popleft()
            self.failures = min(self.failures, len(self.failures_at))
        since = max(self.succeeded_at, self.reset_at, self.changed_at if self._state is State.CLOSED else float("-inf"))
        self.failed_elsewhere = sum(1 for at in failures_at if at > since)
        return self.state(now) is State.CLOSED and self._open_when_due(now)

    def failure_count(self) -> int:
        """Consecutive failed client requests, as far as this process knows."""
        return self.failures + self.failed_elsewhere

    def open(self, now: float) -> None:
        """Open at `now`."""
        self._state = State.OPEN
        self.opened_at = self.changed_at = now
        self.successes = 0

    def close(self, now: float) -> None:
        """Close and forget failures; the window of recent requests is kept for the view."""
        self._state = State.CLOSED
        self.changed_at = now
        self._forget_failures()

    def reset(self, now: float) -> None:
        """Close on an operator's word."""
        self.close(now)
        self.reset_at = now
        self.successes = 0
        self.window.clear()

    def is_idle(self, now: float) -> bool:
        """True when nothing would be lost by forgetting it."""
        self.window.advance(now)
        return self._state is State.CLOSED and not self.failure_count() and not self.window.requests

    def _open_when_due(self, now: float) -> bool:
        if self.failure_count() < self._rules.failure_threshold:
            return False
        self.open(now)
        return True

    def _forget_failures(self) -> None:
        self.failures = self.failed_elsewhere = 0
        self.failures_at.clear()
