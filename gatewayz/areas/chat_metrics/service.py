"""Output tokens per second by offer, from observed traffic. Source: spec 01 §9."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.telemetry.metrics.exposition import TEXT, render
from gatewayz.telemetry.metrics.families import Family, Sample

__all__ = ["OfferQuery", "SpeedQuery", "all_time_speeds", "recent_speeds"]

_TIMES: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "1year": timedelta(days=365),
    "2year": timedelta(days=730),
}
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = "gatewayz_tokens_per_second"
_MOST_SAMPLES: Final = 1_000
"""Offers shown, those with most requests."""


class OfferQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which offers; all where nothing is said. An unknown one has no sample."""

    model_id: str | None = None
    """Canonical id."""
    provider_id: str | None = None
    """Instance."""


class SpeedQuery(OfferQuery, frozen=True, kw_only=True):
    """Which offers, in which time until now."""

    time: str = "hour"


async def recent_speeds(observation: TrafficView, query: SpeedQuery, now: datetime) -> bytes:
    """Return the exposition of a time until now. Raises InvalidRequest (param `time`), StoreUnavailable."""
    length = _TIMES.get(query.time)
    if length is None:
        raise InvalidRequest(f"time is one of {', '.join(_TIMES)}", param="time")
    return await _speeds(observation, query, now - length, now)


async def all_time_speeds(observation: TrafficView, query: OfferQuery, now: datetime) -> bytes:
    """Return the exposition of all that is kept. Raises StoreUnavailable."""
    return await _speeds(observation, query, _ALWAYS, now)


async def _speeds(observation: TrafficView, query: OfferQuery, start: datetime, now: datetime) -> bytes:
    end = now + timedelta(seconds=1)
    found = await observation.between(start, end, provider=query.provider_id, model=query.model_id)
    measured = sorted((each for each in found if each.output_ms), key=lambda each: -each.requests)
    return _exposition(measured[:_MOST_SAMPLES])


def _exposition(measured: Sequence[Traffic]) -> bytes:
    samples = [_sample(each) for each in measured]
    help = "Output tokens per second of the calls that brought them, time to first content included."
    return render([Family(_NAME, "gauge", help, samples)], TEXT)


def _sample(traffic: Traffic) -> Sample:
    speed = traffic.output_tokens / traffic.output_ms * 1000
    labels = (
        ("model", traffic.model),
        ("provider", traffic.provider),
        ("requests", str(traffic.requests)),
        ("total_tokens", str(traffic.input_tokens + traffic.output_tokens)),
    )
    return Sample(labels, float(f"{speed:.6g}"))
