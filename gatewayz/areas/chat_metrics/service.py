"""Output tokens per second by offer, from observed traffic. Source: spec 01 §9."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from gatewayz.domain.observation.traffic import Traffic, TrafficView
from gatewayz.sdk.errors import InvalidRequest

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


async def recent_speeds(observation: TrafficView, query: SpeedQuery, now: datetime) -> str:
    """Return the exposition of a time until now. Raises InvalidRequest (param `time`), StoreUnavailable."""
    length = _TIMES.get(query.time)
    if length is None:
        raise InvalidRequest(f"time is one of {', '.join(_TIMES)}", param="time")
    return await _speeds(observation, query, now - length, now)


async def all_time_speeds(observation: TrafficView, query: OfferQuery, now: datetime) -> str:
    """Return the exposition of all that is kept. Raises StoreUnavailable."""
    return await _speeds(observation, query, _ALWAYS, now)


async def _speeds(observation: TrafficView, query: OfferQuery, start: datetime, now: datetime) -> str:
    end = now + timedelta(seconds=1)
    found = await observation.between(start, end, provider=query.provider_id, model=query.model_id)
    measured = sorted((each for each in found if each.output_ms), key=lambda each: -each.requests)
    return _exposition(measured[:_MOST_SAMPLES])


def _exposition(measured: Sequence[Traffic]) -> str:
    lines = [
        f"# HELP {_NAME} Output tokens per second of the calls that brought them, time to first content included.",
        f"# TYPE {_NAME} gauge",
    ]
    for each in measured:
        speed = each.output_tokens / each.output_ms * 1000
        labels = {
            "model": each.model,
            "provider": each.provider,
            "requests": str(each.requests),
            "total_tokens": str(each.input_tokens + each.output_tokens),
        }
        said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        lines.append(f"{_NAME}{{{said}}} {speed:.6g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
