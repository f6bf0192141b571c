"""Figures of one process at one moment, as processes tell them to each other; and the sum of several."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.minutes import Key
from gatewayz.domain.observation.sketch import Sketch
from gatewayz.store.observation_records import TrafficRow
from gatewayz.telemetry.metrics.names import READINGS
from gatewayz.telemetry.metrics.request_record import Answered

__all__ = ["ALIVE_S", "Figures", "Reading", "RequestRow", "Snapshot", "add_up"]

ALIVE_S: Final = 10.0
"""Processes tell their figures every second; one that was not heard of for so long is gone."""


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """One number, under a name of `READINGS`."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


class RequestRow(msgspec.Struct, frozen=True, array_like=True):
    """`Answered`, packed."""

    method: str
    endpoint: str
    statuses: dict[int, int]
    duration_ms: list[float]

    @classmethod
    def of(cls, method: str, endpoint: str, answered: Answered) -> "RequestRow":
        """Return it packed."""
        return cls(method, endpoint, dict(answered.statuses), answered.duration_ms.pack())

    def answered(self) -> Answered:
        """Return what was packed."""
        answered = Answered()
        answered.statuses = self.statuses
        answered.duration_ms = Sketch.unpack(self.duration_ms)
        return answered


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the process started, and what was true at the moment."""

    process: str
    at: float
    """Unix seconds."""
    requests: list[RequestRow]
    offers: list[TrafficRow]
    readings: list[Reading]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The sum over processes."""

    requests: Mapping[tuple[str, str], Answered]
    """By method and endpoint."""
    offers: Mapping[Key, Bucket]
    readings: Mapping[tuple[str, tuple[str, ...]], float]
    """By name and labels."""

    def value(self, name: str, *labels: str) -> float | None:
        """Return a reading, None where there is none."""
        return self.readings.get((name, labels))


def add_up(snapshots: Iterable[Snapshot], now: float) -> Figures:
    """Return the sum: of counters over all processes there were, of gauges over those that are alive."""
    requests: dict[tuple[str, str], Answered] = {}
    offers: dict[Key, Bucket] = {}
    readings: dict[tuple[str, tuple[str, ...]], float] = {}
    for snapshot in snapshots:
        for row in snapshot.requests:
            requests.setdefault((row.method, row.endpoint), Answered()).merge(row.answered())
        for offer in snapshot.offers:
            offers.setdefault((offer.provider, offer.model), Bucket()).merge(Bucket.of_row(offer))
        _join(readings, snapshot.readings, is_alive=now - snapshot.at < ALIVE_S)
    return Figures(requests=requests, offers=offers, readings=readings)


def _join(readings: dict[tuple[str, tuple[str, ...]], float], more: Iterable[Reading], *, is_alive: bool) -> None:
    for reading in more:
        metric, key = READINGS.get(reading.name), (reading.name, reading.labels)
        if metric is None:  # of a worker that was started by an older release
            continue
        if metric.kind == "counter" or (is_alive and metric.join == "sum"):
            readings[key] = readings.get(key, 0.0) + reading.value
        elif is_alive:
            readings[key] = max(readings.get(key, reading.value), reading.value)
