"""Counts of what a router has decided, in this process."""

from collections import Counter, defaultdict
from typing import Any

from gatewayz.sdk.clock import Clock

__all__ = ["Tally"]


class Tally:
    """Decisions by whatever is named of them: mode, model, tier, why it fell back."""

    def __init__(self, clock: Clock) -> None:
        self._since = clock.now()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.decisions = 0
        self.refused = 0
        """Calls that no model suited."""

    def decided(self, **named: str | None) -> None:
        """Count one decision under each name that has a value."""
        self.decisions += 1
        for kind, value in named.items():
            if value is not None:
                self._counts[kind][value] += 1

    def shown(self) -> dict[str, Any]:
        """Return all counts."""
        counts = {f"requests_by_{kind}": dict(count.most_common()) for kind, count in sorted(self._counts.items())}
        return {
            "total_requests": self.decisions,
            "refused_requests": self.refused,
            **counts,
            "since": self._since.isoformat(),
            "scope": "process",
        }
