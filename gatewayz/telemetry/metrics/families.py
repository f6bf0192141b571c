"""Figures as metric families: what Prometheus calls a name with its samples. Source: spec 00 §16."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from gatewayz.config.sections.observing import Metrics as Rules
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.minutes import Key
from gatewayz.domain.observation.sketch import Sketch
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.telemetry.metrics.names import READINGS
from gatewayz.telemetry.metrics.request_record import Answered
from gatewayz.telemetry.metrics.snapshot import Figures

__all__ = ["SLOW_MS", "VERY_SLOW_MS", "Family", "Histogram", "Sample", "families"]

SLOW_MS: Final = 30_000.0
VERY_SLOW_MS: Final = 45_000.0
"""Calls that take longer count as slow, or as very slow. Source: spec 05 §5 (14.2)."""
_HTTP_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_CALL_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)
_APP: Final = ("app_name", "gatewayz")
"""The label by which dashboards of FastAPI applications tell them apart."""

Labels = tuple[tuple[str, str], ...]


class Histogram(msgspec.Struct, frozen=True):
    """A distribution: for each bound how many are not above it; the sum in seconds."""

    bounds: Sequence[float]
    counts: Sequence[int]
    count: int
    total: float


class Sample(msgspec.Struct, frozen=True):
    """One time series at this moment."""

    labels: Labels
    value: float | Histogram


class Family(msgspec.Struct, frozen=True):
    """All time series of one name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[Sample]


def families(figures: Figures, rules: Rules) -> Iterator[Family]:
    """Yield every family that has samples."""
    for family in (*_http(figures, rules), *_inference(figures), *_readings(figures)):
        if family.samples:
            yield family


def _readings(figures: Figures) -> Iterator[Family]:
    grouped: dict[str, list[Sample]] = {}
    for (name, labels), value in sorted(figures.readings.items()):
        named = tuple(zip(READINGS[name].labels, labels, strict=True))
        grouped.setdefault(name, []).append(Sample(named, value))
    for name, samples in grouped.items():
        yield Family(name, READINGS[name].kind, READINGS[name].help, samples)


def _http(figures: Figures, rules: Rules) -> Iterator[Family]:
    rows = sorted(figures.requests.items())
    yield from _http_names("http", ("method", "endpoint", "status"), rows, ())
    if not rules.fastapi_names:
        return
    yield from _http_names("fastapi", ("method", "path", "status_code"), rows, (_APP,))
    in_progress = figures.value("http_requests_in_progress") or 0
    yield Family(
        "fastapi_requests_in_progress", "gauge", "As http_requests_in_progress.", [Sample((_APP,), in_progress)]
    )
    yield Family("fastapi_app_info", "gauge", "1, for the application's name.", [Sample((_APP,), 1)])


def _http_names(
    prefix: str, names: tuple[str, str, str], rows: Sequence[tuple[tuple[str, str], Answered]], more: Labels
) -> Iterator[Family]:
    method, endpoint, status = names
    counts, durations = [], []
    for key, answered in rows:
        labels = (*more, (method, key[0]), (endpoint, key[1]))
        for code, count in sorted(answered.statuses.items()):
            counts.append(Sample((*labels, (status, str(code))), count))
        durations.append(Sample(labels, _histogram(answered.duration_ms, _HTTP_BOUNDS_S)))
    yield Family(f"{prefix}_requests_total", "counter", "Requests answered; 499 is a caller that left.", counts)
    # The two names differ in the spec, and so in the dashboards that ask for them.
    duration = "http_request_duration_seconds" if prefix == "http" else "fastapi_requests_duration_seconds"
    yield Family(duration, "histogram", "Seconds until the last byte, of streams too.", durations)


def _inference(figures: Figures) -> Iterator[Family]:
    offers = sorted(figures.offers.items())
    for name, help, label, read in _BY_OFFER:
        yield Family(name, "counter", help, list(_counts(offers, label, read)))
    for name, help, sketch in _TIMES:
        samples = [
            Sample(_offer(offer), _histogram(sketch(bucket), _CALL_BOUNDS_S))
            for offer, bucket in offers
            if sketch(bucket).count
        ]
        yield Family(name, "histogram", help, samples)
    yield Family(
        "provider_slow_requests_total",
        "counter",
        "Successful calls of more than 30 s (slow) or 45 s (very_slow).",
        list(_slow(offers)),
    )


def _counts(
    offers: Sequence[tuple[Key, Bucket]], label: str, read: Callable[[Bucket], dict[str, float]]
) -> Iterator[Sample]:
    for offer, bucket in offers:
        for value, count in read(bucket).items():
            named = _offer(offer) if not label else (*_offer(offer), (label, value))
            yield Sample(named, count)


def _slow(offers: Sequence[tuple[Key, Bucket]]) -> Iterator[Sample]:
    counts: Counter[tuple[str, str]] = Counter()
    for (provider, _), bucket in offers:
        fast, not_very_slow = bucket.latency.at_most((SLOW_MS, VERY_SLOW_MS))
        counts[provider, "slow"] += not_very_slow - fast
        counts[provider, "very_slow"] += bucket.latency.count - not_very_slow
    for (provider, severity), count in counts.items():
        yield Sample((("provider", provider), ("severity", severity)), count)


def _histogram(sketch: Sketch, bounds: Sequence[float]) -> Histogram:
    counts = sketch.at_most([bound * 1000 for bound in bounds])
    return Histogram(bounds, counts, sketch.count, sketch.total / 1000)


def _offer(offer: Key) -> Labels:
    return (("provider", offer[0]), ("model", offer[1]))


_BY_OFFER: Final[Sequence[tuple[str, str, str, Callable[[Bucket], dict[str, float]]]]] = (
    (
        "model_inference_requests_total",
        "Requests that ended at an offer; success includes callers that left.",
        "status",
        lambda bucket: {"success": bucket.requests - bucket.failed_requests, "error": bucket.failed_requests},
    ),
    (
        "gatewayz_attempts_total",
        "Calls to providers, by their end.",
        "outcome",
        lambda bucket: {
            "success": bucket.successes,
            "fault": bucket.faults,
            "rate_limited": bucket.rate_limited,
            "caller_fault": bucket.caller_faults,
            "abandoned": bucket.abandoned,
        },
    ),
    (
        "tokens_used_total",
        "Tokens that were charged.",
        "token_type",
        lambda bucket: {"input": bucket.input_tokens, "output": bucket.output_tokens},
    ),
    (
        "gatewayz_api_cost_usd_total",
        "US dollars at the offers' prices.",
        "",
        lambda bucket: {"": bucket.cost / NANO_PER_USD},
    ),
    (
        "credits_used_total",
        "US dollars that customers paid.",
        "",
        lambda bucket: {"": bucket.charged / NANO_PER_USD},
    ),
    (
        "gatewayz_probes_total",
        "Looks at an offer that were no customer's request.",
        "result",
        lambda bucket: {"success": bucket.probes - bucket.failed_probes, "failure": bucket.failed_probes},
    ),
)
_TIMES: Final[Sequence[tuple[str, str, Callable[[Bucket], Sketch]]]] = (
    (
        "model_inference_duration_seconds",
        "Seconds of successful calls, until the whole answer was relayed.",
        lambda bucket: bucket.latency,
    ),
    (
        "time_to_first_chunk_seconds",
        "Seconds of successful streams until the first content.",
        lambda bucket: bucket.first_content,
    ),
)
