from typing import Any

import msgspec
import pytest

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.telemetry.metrics.names import READINGS
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.metrics.snapshot import ALIVE_S, Reading, RequestRow, Snapshot, add_up
from tests.fakes.settlements import attempt

NOW = 1_000_000.0


def snapshot(process: str, *, at: float = NOW, **readings: float) -> Snapshot:
    bucket, record = Bucket(), RequestRecord()
    bucket.count_attempt(attempt())
    record.record("GET", "/health", 200, 0.5)
    return Snapshot(
        process=process,
        at=at,
        requests=[RequestRow.of(*key, answered) for key, answered in record.answered().items()],
        offers=[bucket.row(0, "openai", "m", process)],
        readings=[Reading(name, value) for name, value in readings.items()],
    )


def travelled(told: Snapshot) -> Snapshot:
    """As another worker reads it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=Snapshot)


def test_processes_add_up() -> None:
    parts = [travelled(snapshot(name, concurrency_rejected_total=2, velocity_mode_active=1)) for name in "abc"]
    figures = add_up(parts, NOW)
    assert figures.requests["GET", "/health"].statuses == {200: 3}
    assert figures.requests["GET", "/health"].duration_ms.mean() == 500
    assert figures.offers["openai", "m"].successes == figures.offers["openai", "m"].latency.count == 3
    assert figures.value("concurrency_rejected_total") == 6
    assert figures.value("velocity_mode_active") == 1, "what is said of all is not added up"
    assert figures.value("gatewayz_workers") is None


def test_a_process_that_is_gone_leaves_its_counters_alone() -> None:
    gone = snapshot("gone", at=NOW - ALIVE_S, concurrency_rejected_total=2, http_requests_in_progress=7)
    here = snapshot("here", concurrency_rejected_total=1, http_requests_in_progress=1)
    figures = add_up([gone, here], NOW)
    assert figures.value("concurrency_rejected_total") == 3
    assert figures.value("http_requests_in_progress") == 1
    assert figures.requests["GET", "/health"].statuses == {200: 2}


def test_a_name_of_another_release_is_passed_over() -> None:
    assert add_up([snapshot("a", no_such_metric=1)], NOW).readings == {}


@pytest.mark.parametrize("name", READINGS)
def test_counters_are_named_as_counters(name: str) -> None:
    metric: Any = READINGS[name]
    assert name.endswith("_total") is (metric.kind == "counter")
    assert metric.help.endswith(".")
