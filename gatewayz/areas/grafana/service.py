"""Series, annotations and filters for Grafana, from the record of traffic. Source: spec 05 §4 (13.12)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from gatewayz.areas.grafana.schema import AdhocFilter, AnnotationsBody, QueryBody, Target
from gatewayz.domain.health.score import score
from gatewayz.domain.observation import lately
from gatewayz.domain.observation.anomalies import Anomaly, find_anomalies, hours_of
from gatewayz.domain.observation.totals import by_provider, total
from gatewayz.domain.observation.traffic import Step, Tally, Traffic, TrafficPoint, TrafficView
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.money import usd_float

__all__ = ["KEYS", "NAMES", "annotations", "query", "search", "tag_values"]

KEYS: Final = ("provider", "model")
_MOST_POINTS: Final = 10_000
_MOST_VALUES: Final = 1_000
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NOW: Final = "active_requests"
"""The one series without a past: only how many there are now is known."""


def _error_rate(parts: Sequence[Traffic]) -> float | None:
    requests = sum(part.requests for part in parts)
    return sum(part.failed_requests for part in parts) / requests if requests else None


def _tally(whole: Traffic) -> Tally:
    good = whole.successes + whole.probes - whole.failed_probes
    return Tally(good, whole.faults + whole.failed_probes)


def _health(parts: Sequence[Traffic]) -> float | None:
    """Return the mean over providers of what their score comes to when these steps are all there was."""
    tallies = (_tally(whole) for whole in by_provider(parts).values())
    scores = [points for tally in tallies if any(tally) and (points := score([tally])) is not None]
    return sum(scores) / len(scores) if scores else None


_SERIES: Final[Mapping[str, Callable[[Sequence[Traffic]], float | None]]] = {
    "avg_health_score": _health,
    "total_requests": lambda parts: sum(part.requests for part in parts),
    "total_cost": lambda parts: usd_float(sum(part.cost for part in parts)),
    "error_rate": _error_rate,
    "avg_latency_ms": lambda parts: total(parts).latency.mean(),
}
_COUNTS: Final = ("total_requests", "total_cost")
"""Of a step without traffic they are 0; the others are not known."""
NAMES: Final = (*_SERIES, _NOW)


async def query(view: TrafficView, body: QueryBody, active: int, now: datetime) -> list[dict[str, Any]]:
    """Return what a panel asks for: `[value, Unix milliseconds]` by target. Raises InvalidRequest.

    :param active: inference requests being worked on now.
    """
    wanted = [target for target in body.targets if target.target and not target.hide]
    for target in wanted:
        if target.target not in NAMES:
            raise InvalidRequest(
                f"{target.target!r} is none of {', '.join(NAMES)}.", param="targets", suggestions=list(NAMES)
            )
    _check(body)
    seconds = _bucket_seconds(body)
    steps = await _steps(view, body, seconds, now) if wanted else {}
    return [_answer(target, _points(target.target, steps, active, now)) for target in wanted]


async def annotations(view: TrafficView, body: AnnotationsBody, now: datetime) -> list[dict[str, Any]]:
    """Return the hours of a span in which something was unlike the rest of it."""
    end = min(body.range.end, now + timedelta(seconds=1))
    found = await lately.series(view, body.range.start, end, "hour")
    text = str(body.annotation.get("query") or "").strip().lower()
    listed = find_anomalies(hours_of(found.points))
    return [
        _annotation(anomaly, body.annotation)
        for anomaly in listed
        if not text or text in (anomaly.type, anomaly.provider.lower(), anomaly.severity)
    ]


def search(view: TrafficView, text: str) -> list[str]:
    """Return the series whose name has a text in it; for `providers` and `models`, those that were ever called."""
    text = text.strip().lower()
    if text in ("providers", "models"):
        return tag_values(view, text.removesuffix("s"))
    return [name for name in NAMES if text in name]


def tag_values(view: TrafficView, key: str) -> list[str]:
    """Return what a filter may be set to. Raises InvalidRequest for an unknown key."""
    if key not in KEYS:
        raise InvalidRequest(f"{key!r} is none of {', '.join(KEYS)}.", param="key", suggestions=list(KEYS))
    place = KEYS.index(key)
    return sorted({offer[place] for offer in view.states()})[:_MOST_VALUES]


def _check(body: QueryBody) -> None:
    if body.range.start >= body.range.end:
        raise InvalidRequest("`from` is not before `to`.", param="range")
    for each in body.adhoc_filters:
        if each.key not in KEYS or each.operator not in ("=", "!="):
            allowed = "filters are by provider or model, with = or !="
            raise InvalidRequest(f"{each.key} {each.operator}: {allowed}.", param="adhocFilters")


def _bucket_seconds(body: QueryBody) -> int:
    """Return how much time one point stands for: what is asked, but no more points than asked for."""
    span = (body.range.end - body.range.start).total_seconds()
    most = min(body.max_data_points, _MOST_POINTS)
    seconds = max(body.interval_ms / 1000, span / most, _MINUTE)
    step = _MINUTE if seconds < _HOUR else _HOUR if seconds < _DAY else _DAY
    return ceil(seconds / step) * step


async def _steps(view: TrafficView, body: QueryBody, seconds: int, now: datetime) -> dict[int, list[Traffic]]:
    """Return the traffic of each step, empty where there was none."""
    start, end = body.range.start, min(body.range.end, now + timedelta(seconds=1))
    equal = {each.key: each.value for each in body.adhoc_filters if each.operator == "="}
    step: Step = "minute" if seconds < _HOUR else "hour" if seconds < _DAY else "day"
    found = await lately.series(view, start, end, step, provider=equal.get("provider"), model=equal.get("model"))
    first = int(start.timestamp()) // seconds * seconds
    steps: dict[int, list[Traffic]] = {at: [] for at in range(first, ceil(end.timestamp()), seconds)}
    for point in found.points:
        at = int(point.start.timestamp()) // seconds * seconds
        if at in steps and _is_wanted(point, body.adhoc_filters):
            steps[at].append(point.traffic)
    return steps


def _is_wanted(point: TrafficPoint, filters: Sequence[AdhocFilter]) -> bool:
    offer = (point.traffic.provider, point.traffic.model)
    return all((offer[KEYS.index(each.key)] == each.value) is (each.operator == "=") for each in filters)


def _points(name: str, steps: Mapping[int, Sequence[Traffic]], active: int, now: datetime) -> list[tuple[float, int]]:
    if name == _NOW:
        return [(active, int(now.timestamp() * 1000))] if steps else []
    read = _SERIES[name]
    return [
        (value, at * 1000)
        for at, parts in steps.items()
        if (parts or name in _COUNTS) and (value := read(parts)) is not None
    ]


def _answer(target: Target, points: Sequence[tuple[float, int]]) -> dict[str, Any]:
    if target.type == "table":
        columns = [{"text": "Time", "type": "time"}, {"text": target.target, "type": "number"}]
        rows = [(at, value) for value, at in points]
        return {"type": "table", "refId": target.ref_id, "columns": columns, "rows": rows}
    return {"target": target.target, "refId": target.ref_id, "datapoints": points}


def _annotation(anomaly: Anomaly, asked: Mapping[str, Any]) -> dict[str, Any]:
    start = anomaly.hour.astimezone(UTC)
    return {
        "annotation": asked,
        "isRegion": True,
        "time": int(start.timestamp() * 1000),
        "timeEnd": int((start + timedelta(hours=1)).timestamp() * 1000),
        "title": f"{anomaly.type} at {anomaly.provider}",
        "text": f"{anomaly.value:.6g}, expected {anomaly.expected:.6g}",
        "tags": [anomaly.type, anomaly.provider, anomaly.severity],
    }
