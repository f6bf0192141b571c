"""The last hour minute by minute, as the plots of the dashboard draw it. Null is not known, and is not drawn."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from gatewayz.domain.observation.totals import total
from gatewayz.domain.observation.traffic import NOBODY, Traffic, TrafficPoint

__all__ = ["MINUTES", "Bar", "Plots", "bars_of", "plots_of"]

MINUTES = 60
BAR_HEIGHT = 100


class Plots(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of whole minutes and the one that runs, oldest first; every list is as long as `times`."""

    times: list[int]
    """Unix seconds at which each minute began."""
    requests: list[int]
    failed: list[int]
    """Of those, answered with an error or broken off."""
    error_percent: list[float | None]
    p50_ms: list[float | None]
    """Of calls that providers answered, until the whole answer was relayed."""
    p95_ms: list[float | None]


class Bar(msgspec.Struct, frozen=True):
    """A minute of a provider's small chart, in `BAR_HEIGHT` to the busiest minute; faults stand on top."""

    at: int
    """0 is an hour ago, `MINUTES` is now."""
    good: int
    bad: int


def plots_of(points: Iterable[TrafficPoint], now: datetime) -> Plots:
    """Return the sums over everything of each minute."""
    minutes: dict[int, list[Traffic]] = {}
    for point in points:
        minutes.setdefault(int(point.start.timestamp()), []).append(point.traffic)
    times = [int(start.timestamp()) for start in _minutes(now)]
    sums = [total(minutes.get(at, ())) for at in times]
    return Plots(
        times=times,
        requests=[each.requests for each in sums],
        failed=[each.failed_requests for each in sums],
        error_percent=[
            round(100 * each.failed_requests / each.requests, 2) if each.requests else None for each in sums
        ],
        p50_ms=[_rounded(each.latency.quantile(0.5)) for each in sums],
        p95_ms=[_rounded(each.latency.quantile(0.95)) for each in sums],
    )


def bars_of(points: Iterable[TrafficPoint], now: datetime) -> Mapping[str, Sequence[Bar]]:
    """Return the small chart of each provider that was called or probed in the last hour."""
    first = _minutes(now)[0]
    counts: dict[str, list[tuple[int, int, int]]] = {}
    for point in points:
        each, at = point.traffic, int((point.start - first) / timedelta(minutes=1))
        bad = each.faults + each.failed_probes
        if each.provider != NOBODY and at >= 0 and (calls := each.attempts + each.probes):
            counts.setdefault(each.provider, []).append((at, calls - bad, bad))
    return {name: _scaled(found) for name, found in counts.items()}


def _scaled(counts: Sequence[tuple[int, int, int]]) -> Sequence[Bar]:
    busiest = max(good + bad for _, good, bad in counts)
    return [Bar(at, _height(good, busiest), _height(bad, busiest)) for at, good, bad in counts]


def _height(calls: int, busiest: int) -> int:
    """Return a height of at least an eighth for any call at all: one among thousands is still to be seen."""
    return max(BAR_HEIGHT // 8, BAR_HEIGHT * calls // busiest) if calls else 0


def _minutes(now: datetime) -> list[datetime]:
    running = now.replace(second=0, microsecond=0)
    return [running - timedelta(minutes=ago) for ago in range(MINUTES, -1, -1)]


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
