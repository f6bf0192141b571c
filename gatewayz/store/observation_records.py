"""Values of the observation aggregate, and what the domain needs of a store for it."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

__all__ = ["COUNTERS", "ObservationStore", "Page", "StateRow", "TrafficKey", "TrafficRow", "Wanted"]

COUNTERS: Final = (
    "attempts",
    "successes",
    "faults",
    "rate_limited",
    "caller_faults",
    "abandoned",
    "requests",
    "failed_requests",
    "input_tokens",
    "output_tokens",
    "cost",
    "charged",
    "output_ms",
    "probes",
    "failed_probes",
)
"""What is summed of traffic, in the order of the columns."""
TrafficKey = tuple[int, str, str, str]
"""Unix second, provider, model, process (empty for sums over processes)."""


class TrafficRow(msgspec.Struct, frozen=True):
    """What an offer did in a step, as one process saw it."""

    start: int
    """Unix seconds."""
    provider: str
    model: str
    process: str
    counters: tuple[int, ...]
    packed: bytes
    """Sketches."""

    @property
    def key(self) -> TrafficKey:
        """What tells rows of one step apart, and orders them."""
        return self.start, self.provider, self.model, self.process


class StateRow(msgspec.Struct, frozen=True):
    """The newest facts of an offer; moments are Unix milliseconds."""

    provider: str
    model: str
    last_outcome: str | None
    last_status: int | None
    called_ms: int
    success_ms: int | None
    failure_ms: int | None
    response_ms: float | None
    last_error: str | None
    consecutive_failures: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a step: those that start in `first <= start < end`."""

    step: int
    """Seconds: 60, 3600 or 86400."""
    first: int
    end: int
    provider: str | None = None
    model: str | None = None
    not_of: str | None = None
    """A process whose rows are left out."""


Page = Sequence[TrafficRow]


class ObservationStore(Protocol):
    """Traffic by minute, hour and day, and the newest facts of offers. Every method raises StoreUnavailable."""

    async def write_traffic(self, step: int, rows: Sequence[TrafficRow]) -> None:
        """Write rows, over those of the same key."""
        ...

    async def list_traffic(self, wanted: Wanted, *, after: TrafficKey | None = None, limit: int = 2_000) -> Page:
        """Return rows in order of their key."""
        ...

    async def bounds(self, step: int) -> tuple[int, int] | None:
        """Return the first and the last start of a step's rows, None without any."""
        ...

    async def prune_traffic(self, step: int, before: int) -> int:
        """Forget rows that start before a moment; return how many."""
        ...

    async def write_states(self, rows: Sequence[StateRow]) -> None:
        """Keep facts where they are newer than what is kept."""
        ...

    async def list_states(self, *, since_ms: int = 0) -> Sequence[StateRow]:
        """Return the facts of offers that were called or probed since a moment."""
        ...
