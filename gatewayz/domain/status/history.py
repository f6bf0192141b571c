"""Uptime hour by hour and day by day, of an offer or of each provider."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, Literal

from gatewayz.domain.observation.traffic import NOBODY, Traffic, TrafficPoint, TrafficView
from gatewayz.domain.status.shown import DataPoint, average_ms, checks_of
from gatewayz.domain.status.tiers import Offered
from gatewayz.domain.status.use import SPANS, Period
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable

__all__ = ["BAR_DAYS", "history_of", "provider_bars"]

Step = Literal["hour", "day"]

BAR_DAYS: Final = 90
_STEPS: Final[Mapping[Period, Step]] = {"24h": "hour", "7d": "hour", "30d": "day"}
_SECONDS: Final[Mapping[Step, int]] = {"hour": 3_600, "day": 86_400}
_LATE: Final = timedelta(minutes=1)


async def history_of(view: TrafficView, offered: Offered, period: Period, now: datetime) -> list[DataPoint]:
    """Return a point for each step of a period, the running one the last; nothing while it cannot be read."""
    provider, model = offered
    step = _STEPS[period]
    count = int(SPANS[period].total_seconds()) // _SECONDS[step]
    try:
        found = await view.series(_first(now, step, count), now + _LATE, step, provider=provider, model=model)
    except (StoreUnavailable, InvalidRequest):  # away, or more figures than can be read at once
        return []
    return _points(found, step, count, now)


async def provider_bars(view: TrafficView, now: datetime) -> Mapping[str, list[DataPoint]]:
    """Return a point for each of the last 90 days of each provider. Raises StoreUnavailable, InvalidRequest."""
    found = await view.series(_first(now, "day", BAR_DAYS), now + _LATE, "day")
    by_provider = sorted(found, key=lambda point: point.traffic.provider)
    return {
        name: _points(list(group), "day", BAR_DAYS, now)
        for name, group in groupby(by_provider, key=lambda point: point.traffic.provider)
        if name != NOBODY
    }


def _first(now: datetime, step: Step, count: int) -> datetime:
    """Return the beginning of the first of so many steps."""
    seconds = _SECONDS[step]
    return datetime.fromtimestamp((int(now.timestamp()) // seconds - count + 1) * seconds, UTC)


def _points(found: Sequence[TrafficPoint], step: Step, count: int, now: datetime) -> list[DataPoint]:
    parts: dict[datetime, list[Traffic]] = {}
    for each in found:
        parts.setdefault(each.start, []).append(each.traffic)
    first, length = _first(now, step, count), timedelta(seconds=_SECONDS[step])
    return [_point(at, parts.get(at, [])) for at in (first + number * length for number in range(count))]


def _point(at: datetime, parts: Sequence[Traffic]) -> DataPoint:
    checks = checks_of(parts)
    return DataPoint(
        timestamp=at,
        uptime_percentage=checks.percentage,
        avg_response_time_ms=average_ms(parts),
        total_checks=checks.total,
        successful_checks=checks.successful,
        failed_checks=checks.failed,
    )
