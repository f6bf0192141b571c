"""Hours of a provider that are unlike its others. The method in words: docs/operations/monitoring.md.

Source: spec 05 §4 (13.10): a spike is more than twice the average; an error rate above 10 % is a warning,
above 25 % critical.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from gatewayz.domain.observation.totals import total
from gatewayz.domain.observation.traffic import NOBODY, Traffic, TrafficPoint
from gatewayz.sdk.money import usd_float

__all__ = ["Anomaly", "find_anomalies", "hours_of"]

Kind = Literal["cost_spike", "latency_spike", "high_error_rate"]
_LEAST_HOURS: Final = 3
"""Other hours with traffic that make an average."""
_LEAST_CALLS: Final = 5
"""Calls that make an hour's latency or error rate."""
_SPIKE: Final = 2.0
_CRITICAL_SPIKE: Final = 4.0
_WARNING_RATE: Final = 0.10
_CRITICAL_RATE: Final = 0.25


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of one provider."""

    type: Kind
    provider: str
    hour: datetime
    value: float
    """US dollars, milliseconds on average, or share of faults."""
    expected: float
    """The average of the other hours, or the share that is not yet an anomaly."""
    severity: Literal["warning", "critical"]


def hours_of(points: Iterable[TrafficPoint]) -> Mapping[str, Mapping[datetime, Traffic]]:
    """Return each provider's traffic by hour; requests that reached nobody are no provider's."""
    groups: dict[str, dict[datetime, list[Traffic]]] = {}
    for point in points:
        if point.traffic.provider != NOBODY:
            hour = point.start.replace(minute=0, second=0, microsecond=0)
            groups.setdefault(point.traffic.provider, {}).setdefault(hour, []).append(point.traffic)
    return {
        provider: {hour: total(parts, provider=provider) for hour, parts in sorted(hours.items())}
        for provider, hours in sorted(groups.items())
    }


def find_anomalies(hours: Mapping[str, Mapping[datetime, Traffic]]) -> Sequence[Anomaly]:
    """Return what is unlike the rest, newest first."""
    found = [anomaly for provider, by_hour in hours.items() for anomaly in _of_provider(provider, by_hour)]
    return sorted(found, key=lambda anomaly: (anomaly.hour, anomaly.severity == "critical"), reverse=True)


def _of_provider(provider: str, hours: Mapping[datetime, Traffic]) -> Iterator[Anomaly]:
    yield from _spikes(provider, "cost_spike", hours, _cost)
    yield from _spikes(provider, "latency_spike", hours, _latency)
    for hour, traffic in hours.items():
        judged = traffic.successes + traffic.faults
        rate = traffic.faults / judged if judged >= _LEAST_CALLS else 0.0
        if rate > _WARNING_RATE:
            yield Anomaly(
                type="high_error_rate",
                provider=provider,
                hour=hour,
                value=rate,
                expected=_WARNING_RATE,
                severity="critical" if rate > _CRITICAL_RATE else "warning",
            )


def _spikes(
    provider: str, kind: Kind, hours: Mapping[datetime, Traffic], read: Callable[[Traffic], float | None]
) -> Iterator[Anomaly]:
    values = {hour: value for hour, traffic in hours.items() if (value := read(traffic)) is not None}
    if len(values) <= _LEAST_HOURS:
        return
    whole = sum(values.values())
    for hour, value in values.items():
        expected = (whole - value) / (len(values) - 1)
        if expected > 0 and value > _SPIKE * expected:
            yield Anomaly(
                type=kind,
                provider=provider,
                hour=hour,
                value=value,
                expected=expected,
                severity="critical" if value > _CRITICAL_SPIKE * expected else "warning",
            )


def _cost(traffic: Traffic) -> float | None:
    return usd_float(traffic.cost) if traffic.requests else None


def _latency(traffic: Traffic) -> float | None:
    return traffic.latency.mean() if traffic.latency.count >= _LEAST_CALLS else None
