"""Uptime over days: samples by five minutes or an hour, and the incidents among them. Rules: docs/health.md."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Literal, NamedTuple

import msgspec

from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.health.fresh import Fresh
from gatewayz.domain.observation.traffic import NOBODY, TrafficView
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest

__all__ = ["Bucket", "History", "IncidentSummary", "Period", "Sample", "Slot", "Uptime", "grouped", "history_of"]

Period = Literal["24h", "72h", "7d"]
Bucket = Literal["5m", "1h"]
SampleStatus = Literal["operational", "degraded", "downtime"]

_PERIODS: Final = {"24h": timedelta(hours=24), "72h": timedelta(hours=72), "7d": timedelta(days=7)}
_FINE_FOR: Final = timedelta(hours=24)
"""Older parts of a period are shown by the hour, whatever was asked for."""
_FINE_MINUTES: Final = 5
_KEPT_S: Final = 10.0
_BAD_FIRST: Final[Sequence[SampleStatus]] = ("downtime", "degraded", "operational")


class Slot(NamedTuple):
    """What an offer did in some minutes."""

    start: datetime
    minutes: int
    provider: str
    model: str
    good: int
    bad: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which something was seen."""

    timestamp: datetime
    status: SampleStatus
    duration_minutes: int
    incident: str | None
    """What went wrong, in figures; null for an operational one."""


class IncidentSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Spans that were not operational, neighbours taken together."""

    total_incidents: int
    mttr_minutes: float | None
    """Mean length of the incidents that are over; null without one."""
    worst_status: SampleStatus | None
    """Null when nothing was seen."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One thing over a period."""

    uptime_percentage: float | None
    """Calls and probes that did not fail by the provider's fault; null when there was none."""
    last_checked: datetime | None
    """Start of the newest sample."""
    samples: list[Sample]
    incident_summary: IncidentSummary


class Uptime:
    """Reads what offers did over days; one reading serves all who ask within ten seconds."""

    def __init__(self, view: TrafficView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._kept: dict[tuple[Period, Bucket], Fresh[list[Slot]]] = {}

    async def slots(self, period: Period, bucket: Bucket) -> list[Slot]:
        """Return what was seen of every offer, oldest first. Raises StoreUnavailable."""
        kept = self._kept.get((period, bucket))
        if kept is None:
            kept = Fresh(lambda: self._read(_PERIODS[period], bucket), self._clock, kept_s=_KEPT_S)
            self._kept[period, bucket] = kept
        return await kept.get()

    async def _read(self, period: timedelta, bucket: Bucket) -> list[Slot]:
        now = self._clock.now()
        begin, end = _floor(now - period, 60), now + timedelta(minutes=1)
        if bucket == "1h":
            return await self._hours(begin, end)
        fine_from = max(begin, _floor(now - _FINE_FOR, 60))
        try:
            fine = await self._fine(fine_from, end)
        except InvalidRequest:  # too many offers to look at each of their minutes
            return await self._hours(begin, end)
        return [*(await self._hours(begin, fine_from) if begin < fine_from else ()), *fine]

    async def _hours(self, begin: datetime, end: datetime) -> list[Slot]:
        return await self._slots(begin, end, "hour", 60)

    async def _fine(self, begin: datetime, end: datetime) -> list[Slot]:
        return await self._slots(begin, end, "minute", _FINE_MINUTES)

    async def _slots(self, begin: datetime, end: datetime, step: Literal["minute", "hour"], minutes: int) -> list[Slot]:
        sums: dict[tuple[datetime, str, str], tuple[int, int]] = {}
        for point in await self._view.series(begin, end, step):
            part = point.traffic
            if part.provider != NOBODY:
                key = (_floor(point.start, minutes), part.provider, part.model)
                good, bad = sums.get(key, (0, 0))
                failed = part.faults + part.failed_probes
                sums[key] = good + part.successes + part.probes - part.failed_probes, bad + failed
        return [
            Slot(start, minutes, provider, model, *counts) for (start, provider, model), counts in sorted(sums.items())
        ]


def history_of(slots: Iterable[Slot], now: datetime, rules: Conditions) -> History:
    """Return the history of one thing out of the slots of its offers.

    :param rules: from which share of failures on a span is degraded, and from which it is down.
    """
    sums: dict[tuple[datetime, int], tuple[int, int]] = {}
    for slot in slots:
        good, bad = sums.get((slot.start, slot.minutes), (0, 0))
        sums[slot.start, slot.minutes] = good + slot.good, bad + slot.bad
    seen = [(key, counts) for key, counts in sorted(sums.items()) if sum(counts)]
    samples = [_sample(start, minutes, counts, rules) for (start, minutes), counts in seen]
    good, bad = (sum(counts[at] for _, counts in seen) for at in (0, 1))
    return History(
        uptime_percentage=round(100 * good / (good + bad), 2) if seen else None,
        last_checked=samples[-1].timestamp if samples else None,
        samples=samples,
        incident_summary=_summary(samples, now),
    )


def grouped(slots: Iterable[Slot], key: Callable[[Slot], tuple[str, ...]]) -> dict[tuple[str, ...], list[Slot]]:
    """Return the slots by some of their names."""
    return {name: list(group) for name, group in groupby(sorted(slots, key=key), key)}


def _sample(start: datetime, minutes: int, counts: tuple[int, int], rules: Conditions) -> Sample:
    good, bad = counts
    share = bad / (good + bad)
    status: SampleStatus = "operational"
    if bad and share >= rules.degraded_share:
        status = "downtime" if share >= rules.down_share else "degraded"
    incident = None if status == "operational" else f"{bad} of {good + bad} calls failed"
    return Sample(timestamp=start, status=status, duration_minutes=minutes, incident=incident)


def _summary(samples: Sequence[Sample], now: datetime) -> IncidentSummary:
    lengths: list[float] = []
    total = 0
    for is_good, run in groupby(samples, lambda sample: sample.status == "operational"):
        if not is_good:
            total += 1
            spans = list(run)
            end = spans[-1].timestamp + timedelta(minutes=spans[-1].duration_minutes)
            if end <= now:
                lengths.append((end - spans[0].timestamp).total_seconds() / 60)
    worst = next((status for status in _BAD_FIRST if any(each.status == status for each in samples)), None)
    mean = round(sum(lengths) / len(lengths), 1) if lengths else None
    return IncidentSummary(total_incidents=total, mttr_minutes=mean, worst_status=worst)


def _floor(moment: datetime, minutes: int) -> datetime:
    seconds = minutes * 60
    return moment - timedelta(seconds=moment.timestamp() % seconds)
