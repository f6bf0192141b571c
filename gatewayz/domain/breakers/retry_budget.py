"""Bound on attempts beyond the first, so that failover cannot turn trouble into a storm."""

from typing import Final

from gatewayz.config.sections.providers import RetryBudget as Rules
from gatewayz.sdk.clock import Clock

__all__ = ["RetryBudget"]

SPAN_S: Final = 10


class RetryBudget:
    """Retries may be `ratio` of the last ten seconds' requests, or `min_per_s`, whichever is more."""

    __slots__ = ("_clock", "_per_second", "_retries", "_rules", "_second", "_totals")

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._second = int(clock.monotonic())
        self._per_second = [0] * SPAN_S
        self._retries = [0] * SPAN_S
        self._totals = [0, 0]

    def configure(self, rules: Rules) -> None:
        """Go by other rules from now on; what was counted stays."""
        self._rules = rules

    def record_request(self) -> None:
        """Count a client request's first attempt."""
        place = self._advance()
        self._per_second[place] += 1
        self._totals[0] += 1

    def allow(self) -> bool:
        """Spend one retry if there is one to spend; True when the attempt may be made."""
        place = self._advance()
        requests, retries = self._totals
        rules = self._rules
        within_share = retries + 1 <= rules.ratio * requests
        if not within_share:
            floor = max(1.0, rules.min_per_s) if rules.min_per_s else 0.0
            if self._retries[place] >= floor or retries >= rules.min_per_s * SPAN_S:
                return False
        self._retries[place] += 1
        self._totals[1] += 1
        return True

    def _advance(self) -> int:
        second = int(self._clock.monotonic())
        gone = second - self._second
        if gone > 0:
            for step in range(self._second + 1, self._second + 1 + min(gone, SPAN_S)):
                place = step % SPAN_S
                self._totals[0] -= self._per_second[place]
                self._totals[1] -= self._retries[place]
                self._per_second[place] = self._retries[place] = 0
            self._second = second
        return self._second % SPAN_S
