"""The state machine of one route: (provider, model, credential).

    CLOSED --threshold faults, or the failure rate--> OPEN --recovery_s--> HALF_OPEN
    HALF_OPEN --success_threshold successes--> CLOSED,  --one fault--> OPEN

Every admission hands out a permit, and a report counts only with the permit that belongs to the
present state: what was sent before the circuit opened can neither close it nor open it again, and
nobody but the probe frees the probe's slot.
"""

from collections import deque
from enum import StrEnum
from statistics import median
from typing import Final, NewType

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.window import Window

__all__ = ["REFUSED", "Circuit", "CircuitKey", "Permit", "State"]

CircuitKey = tuple[str, str, str]
"""Provider, model, credential: `Offer.circuit`."""

Permit = NewType("Permit", int)
"""The right to one attempt; handed back with the report. False when refused."""

REFUSED: Final = Permit(0)
LATENCIES_KEPT: Final = 64


class State(StrEnum):
    """As the outside sees it. Source: spec 00 §11 (upper case)."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Circuit:
    """Times are monotonic seconds, passed in by the caller."""

    __slots__ = (
        "_epoch",
        "_last_resort_at",
        "_latencies",
        "_latency_p50",
        "_measured_at",
        "_probe",
        "_probe_expires",
        "_probe_s",
        "_rules",
        "_serial",
        "_state",
        "_window",
        "changed_at",
        "cooling_until",
        "failures",
        "follows_provider",
        "opened_at",
        "successes",
        "used_at",
    )

    def __init__(self, rules: Rules, now: float, probe_s: float) -> None:
        self._rules = rules
        self._probe_s = probe_s
        self._state = State.CLOSED
        self._window = Window(rules.window_s)
        self._serial = 1
        self._epoch = Permit(1)
        self._probe = REFUSED
        self._probe_expires = 0.0
        self._last_resort_at = float("-inf")
        self._latencies: deque[float] | None = None
        self._latency_p50: float | None = None
        self._measured_at = float("-inf")
        self.changed_at = float("-inf")
        """When it last opened or closed, here or in another process."""
        self.cooling_until = float("-inf")
        self.failures = 0
        """Consecutive ones."""
        self.follows_provider = False
        """Shut because its provider is, not for faults of its own."""
        self.opened_at = 0.0
        self.successes = 0
        """Since it opened."""
        self.used_at = now

    def state(self, now: float) -> State:
        """The present state; an open circuit is half-open once its time has passed, traffic or not."""
        if self._state is State.OPEN and now >= self.opened_at + self._rules.recovery_s:
            self._state = State.HALF_OPEN
            self.successes = 0
        return self._state

    def admit(self, now: float) -> Permit:
        """Return a permit, or `REFUSED` while open, cooling, or half-open with the probe under way."""
        if self.cooling_until > now:
            return REFUSED
        self.used_at = now
        if self._state is State.CLOSED:
            return self._epoch
        if self.state(now) is State.OPEN or self._is_probing(now):
            return REFUSED
        return self._start_probe(now)

    def refuses(self, now: float) -> bool:
        """True when `admit` would refuse for the circuit's state (a cooldown is another matter)."""
        if self._state is State.CLOSED:
            return False
        return self.state(now) is State.OPEN or self._is_probing(now)

    def last_resort(self, now: float) -> Permit:
        """Return a permit although the circuit is shut, at most one in `last_resort_s`; never while cooling."""
        if self.cooling_until > now or self._is_probing(now) or now < self._last_resort_at + self._rules.last_resort_s:
            return REFUSED
        self._last_resort_at = self.used_at = now
        if self._state is State.CLOSED:
            return self._epoch
        return self._start_probe(now)

    def succeeded(self, now: float, permit: Permit) -> bool:
        """Count a success; False when the permit is out of date, so that nothing was counted."""
        if self._state is State.CLOSED:
            if permit != self._epoch:
                return False
            self.failures = 0
            self._window.add(now, failed=False)
            return True
        if not self._end_probe(permit):
            return False
        self.state(now)
        self._window.add(now, failed=False)
        self.failures = 0
        self.successes += 1
        # A last-resort attempt that succeeds shows the route alive before its time.
        self._state = State.HALF_OPEN
        if self.successes >= self._rules.success_threshold:
            self.close(now)
        return True

    def failed(self, now: float, permit: Permit) -> bool:
        """Count a fault; False when the permit is out of date, so that nothing was counted."""
        if self._state is State.CLOSED:
            if permit != self._epoch:
                return False
        elif not self._end_probe(permit):
            return False
        self.failures += 1
        self._window.add(now, failed=True)
        state = self.state(now)
        if state is State.HALF_OPEN or (state is State.CLOSED and self._trips()):
            self.open(now)
        # An open circuit stays as it is: a failed last resort does not lengthen the recovery time.
        return True

    def abandoned(self, permit: Permit) -> None:
        """Free the probe's slot without a verdict (caller left, caller's fault, rate limit)."""
        self._end_probe(permit)

    def cool(self, until: float) -> None:
        """Refuse attempts until then, unless a longer cooldown runs already."""
        self.cooling_until = max(self.cooling_until, until)

    def open(self, now: float, *, follows_provider: bool = False) -> None:
        """Open at `now`, for a fault of its own or together with its provider."""
        self._state = State.OPEN
        self.opened_at = self.changed_at = now
        self.successes = 0
        self.follows_provider = follows_provider
        self._probe = REFUSED

    def close(self, now: float) -> None:
        """Close and forget the past; permits handed out before are void."""
        self._state = State.CLOSED
        self._serial += 1
        self._epoch = Permit(self._serial)
        self._probe = REFUSED
        self.changed_at = now
        self.failures = self.successes = 0
        self.follows_provider = False
        self._window.clear()

    def retry_at(self) -> float:
        """When an open circuit becomes half-open."""
        return self.opened_at + self._rules.recovery_s

    def measured(self, now: float, latency_ms: float) -> None:
        """Remember a time to first content; what was measured long before is forgotten."""
        if self._latencies is None or now > self._measured_at + self._rules.latency_kept_s:
            self._latencies = deque(maxlen=LATENCIES_KEPT)
        self._latencies.append(latency_ms)
        self._latency_p50 = None
        self._measured_at = now

    def latency_p50_ms(self, now: float) -> float | None:
        """Median of the last times to first content, None without one that is recent enough."""
        if now > self._measured_at + self._rules.latency_kept_s:
            return None
        if self._latency_p50 is None and self._latencies:
            self._latency_p50 = median(self._latencies)
        return self._latency_p50

    def _trips(self) -> bool:
        rules, window = self._rules, self._window
        if self.failures >= rules.failure_threshold:
            return True
        return window.requests >= rules.min_requests and window.failure_rate() >= rules.failure_rate

    def _is_probing(self, now: float) -> bool:
        return self._probe != REFUSED and now < self._probe_expires

    def _start_probe(self, now: float) -> Permit:
        self._serial += 1
        self._probe = Permit(self._serial)
        self._probe_expires = now + self._probe_s
        return self._probe

    def _end_probe(self, permit: Permit) -> bool:
        if permit == REFUSED or permit != self._probe:
            return False
        self._probe = REFUSED
        return True
