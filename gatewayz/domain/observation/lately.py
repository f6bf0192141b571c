"""The record of traffic for pages that answer whatever is down: from memory, and saying so, while the store is away."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gatewayz.domain.observation.traffic import Step, Traffic, TrafficPoint, TrafficView
from gatewayz.sdk.errors import StoreUnavailable

__all__ = ["Series", "Span", "series", "traffic"]

_TIMEOUT_S: Final = 5.0


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Each offer's traffic of a span of time."""

    parts: Sequence[Traffic]
    is_whole: bool
    """False: the store is away, and this is at most the last hour."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Each provider's or offer's traffic by steps of time, oldest first."""

    points: Sequence[TrafficPoint]
    is_whole: bool
    """False: the store is away; at most the last hour, by provider and minute, whatever step was asked for."""


async def traffic(view: TrafficView, start: datetime, end: datetime) -> Span:
    """Return each offer's traffic of a span that ends now."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return Span(parts=await view.between(start, end), is_whole=True)
    except (StoreUnavailable, TimeoutError):
        return Span(parts=view.recent(60), is_whole=False)


async def series(
    view: TrafficView,
    start: datetime,
    end: datetime,
    step: Step,
    *,
    provider: str | None = None,
    model: str | None = None,
) -> Series:
    """Return traffic by steps. Raises InvalidRequest for a span with too many figures."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            points = await view.series(start, end, step, provider=provider, model=model)
            return Series(points=points, is_whole=True)
    except (StoreUnavailable, TimeoutError):
        recent = view.recent_series(60) if model is None else ()
        points = [
            point for point in recent if start <= point.start < end and provider in (None, point.traffic.provider)
        ]
        return Series(points=points, is_whole=False)
