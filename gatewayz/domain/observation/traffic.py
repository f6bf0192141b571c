"""Traffic as values, and how it is asked for. Source: design 9; spec 02 §2 (4.1.5-4.8), 05.

One *offer* (a model at a provider instance) in one span of time is a `Traffic`. Everything shown of
models, providers and the whole gateway is a sum of these: nothing keeps a second book.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from gatewayz.domain.observation.distinct import Distinct

__all__ = [
    "NOBODY",
    "Condition",
    "OfferState",
    "Quantiles",
    "Step",
    "Tally",
    "Traffic",
    "TrafficPoint",
    "TrafficView",
]

NOBODY: Final = ""
"""Stands as the provider of requests that no offer could be tried for; they have a model, and no attempts."""

Step = Literal["minute", "hour", "day"]
Condition = Literal["healthy", "degraded", "down", "unknown"]
"""What traffic and probes say of an offer, a model or a provider; `unknown` is no data."""


class Quantiles(Protocol):
    """A distribution in bounded memory; values are milliseconds, within 5 %."""

    @property
    def count(self) -> int:
        """How many values."""
        ...

    def quantile(self, share: float) -> float | None:
        """Return the value that `share` (0..1) of all are not above, None without any."""
        ...

    def mean(self) -> float | None:
        """Return the exact mean, None without any value."""
        ...

    def at_most(self, bounds: Sequence[float]) -> list[int]:
        """Return for each of these ascending bounds how many values are surely not above it."""
        ...


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What one offer did in a span of time. Attempts count calls to a provider, requests count callers' requests."""

    provider: str
    model: str
    attempts: int = 0
    successes: int = 0
    faults: int = 0
    """The provider's fault: what uptime and error rates count."""
    rate_limited: int = 0
    caller_faults: int = 0
    abandoned: int = 0
    """The caller left first."""
    requests: int = 0
    """Requests that ended at this offer."""
    failed_requests: int = 0
    """Requests answered with an error (status >= 400) or broken off; a caller that left (499) is none."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    """Nano-dollars at the offer's price."""
    charged: int = 0
    """Nano-dollars that customers paid."""
    output_ms: int = 0
    """Milliseconds of the attempts that brought the output: tokens per second is `output_tokens / output_ms * 1000`."""
    probes: int = 0
    failed_probes: int = 0
    users: int = 0
    """Distinct callers with an account; of a sum, distinct over all of it. Above 32 within 7 %."""
    callers: Distinct | None = None
    """What `users` is counted from; sums need it."""
    latency: Quantiles
    """Of successful attempts, until the whole answer was relayed."""
    first_content: Quantiles
    """Of successful streamed attempts, until the first content."""


class TrafficPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a series."""

    start: datetime
    traffic: Traffic


class OfferState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest facts of an offer; kept over a restart."""

    provider: str
    model: str
    condition: Condition
    last_outcome: str | None = None
    last_status: int | None = None
    """HTTP status of the provider's last error, where there was one; None after a success."""
    last_called_at: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_response_ms: float | None = None
    last_error: str | None = None
    """Code of the error, never a provider's words."""
    consecutive_failures: int = 0


class Tally(NamedTuple):
    """What a provider did in one minute, probes included; what was not its doing is neither."""

    good: int
    bad: int


class TrafficView(Protocol):
    """Reads what was observed, of all processes as far as known here. Names are instances and canonical ids."""

    def states(self) -> Mapping[tuple[str, str], OfferState]:
        """Return the newest facts by (provider, model), for every offer that was ever called or probed; at once."""
        ...

    def condition(self, *, provider: str | None = None, model: str | None = None) -> Condition:
        """Return how an offer, a model over all its providers, or a provider over all its models is doing; at once."""
        ...

    def recent(self, minutes: int = 60) -> Sequence[Traffic]:
        """Return each offer's traffic of the last minutes (at most 60), from memory, at once."""
        ...

    def recent_series(self, minutes: int = 60) -> Sequence[TrafficPoint]:
        """Return each provider's traffic (over all its models) of each of the last minutes (at most 60), oldest first.

        From memory, at once.
        """
        ...

    def tallies(self, minutes: int = 60) -> Mapping[str, Sequence[Tally]]:
        """Return each provider's last minutes (at most 60) that had any good or bad, oldest first, at once."""
        ...

    async def between(
        self, start: datetime, end: datetime, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[Traffic]:
        """Return each offer's traffic of a span, to the minute (to the day for long ago). Raises StoreUnavailable."""
        ...

    async def series(
        self, start: datetime, end: datetime, step: Step, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[TrafficPoint]:
        """Return each offer's traffic of each step that had any, oldest first. Raises StoreUnavailable."""
        ...
