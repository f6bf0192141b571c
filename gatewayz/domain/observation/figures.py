"""Traffic as the public pages show it: spans by name, and the sums of a provider, a gateway or everything.

Source: spec 02 §2 (4.1.5, 4.3, 4.4).
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from gatewayz.domain.observation.totals import total
from gatewayz.domain.observation.traffic import NOBODY, Traffic, TrafficView
from gatewayz.sdk.money import usd_float

__all__ = ["FRESH", "Figures", "TimeRange", "figures", "served", "speed", "start_of"]

TimeRange = Literal["1h", "24h", "7d", "30d", "all"]
_SPANS: Final = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FRESH: Final = timedelta(seconds=2)
"""How long what was read is used again: these pages need no key, and each reading asks the database."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of traffic; an average of nothing is null."""

    total_requests: int
    total_tokens: int
    total_cost: float
    """US dollars at the providers' prices."""
    unique_users: int
    unique_models: int
    avg_speed_tokens_per_sec: float | None
    avg_tokens_per_request: float | None
    avg_cost_per_request: float | None


def start_of(time_range: TimeRange, now: datetime) -> datetime:
    """Return when a span that ends now began."""
    return now - _SPANS[time_range] if time_range in _SPANS else _EPOCH


class _Reading(NamedTuple):
    """The traffic of a span, read or being read."""

    until: datetime
    parts: asyncio.Task[list[Traffic]]

    def is_usable(self, now: datetime) -> bool:
        is_broken = self.parts.cancelled() or (self.parts.done() and self.parts.exception() is not None)
        return now < self.until and not is_broken


_Span = tuple[timedelta, timedelta, str | None]
_READINGS: Final[WeakKeyDictionary[TrafficView, dict[_Span, _Reading]]] = WeakKeyDictionary()


async def served(
    view: TrafficView, start: datetime, end: datetime, now: datetime, *, provider: str | None = None
) -> list[Traffic]:
    """Return the traffic of offers that answered requests: no probes, and no requests that reached nobody.

    What was read for as long a span as long ago is used again for `FRESH`. Raises StoreUnavailable.
    """
    readings = _READINGS.setdefault(view, {})
    span = (now - start if start != _EPOCH else timedelta.max, now - end, provider)
    reading = readings.get(span)
    if reading is None or not reading.is_usable(now):
        task = asyncio.get_running_loop().create_task(_read(view, start, end, provider))
        reading = readings[span] = _Reading(now + FRESH, task)
    return await asyncio.shield(reading.parts)


async def _read(view: TrafficView, start: datetime, end: datetime, provider: str | None) -> list[Traffic]:
    parts = await view.between(start, end, provider=provider)
    return [part for part in parts if part.requests and part.provider != NOBODY]


def figures(parts: Sequence[Traffic]) -> Figures:
    """Return the sums of what was served."""
    whole = total(parts)
    tokens = whole.input_tokens + whole.output_tokens
    return Figures(
        total_requests=whole.requests,
        total_tokens=tokens,
        total_cost=usd_float(whole.cost),
        unique_users=whole.users,
        unique_models=len({part.model for part in parts}),
        avg_speed_tokens_per_sec=speed(whole),
        avg_tokens_per_request=round(tokens / whole.requests, 2) if whole.requests else None,
        avg_cost_per_request=usd_float(whole.cost) / whole.requests if whole.requests else None,
    )


def speed(traffic: Traffic) -> float | None:
    """Return output tokens a second, None when nothing was timed."""
    return round(traffic.output_tokens * 1000 / traffic.output_ms, 2) if traffic.output_ms else None
