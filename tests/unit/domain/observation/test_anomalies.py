from datetime import UTC, datetime, timedelta

from gatewayz.domain.observation.anomalies import find_anomalies, hours_of
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.traffic import NOBODY, TrafficPoint

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def hour(
    ago: int, *, calls: int = 10, faults: int = 0, cost: int = 1_000, ms: float = 100.0, provider: str = "a"
) -> TrafficPoint:
    bucket = Bucket()
    bucket.requests = bucket.attempts = calls
    bucket.successes, bucket.faults, bucket.cost = calls - faults, faults, cost
    for _ in range(calls - faults):
        bucket.latency.add(ms)
    return TrafficPoint(start=NOON - timedelta(hours=ago, minutes=-7), traffic=bucket.traffic(provider, "m"))


def found(*points: TrafficPoint) -> list[tuple[str, str, str]]:
    return [(each.type, each.provider, each.severity) for each in find_anomalies(hours_of(points))]


def test_steady_hours_are_no_anomaly() -> None:
    assert found(*(hour(ago) for ago in range(24))) == []


def test_a_spike_is_more_than_twice_the_average_of_the_other_hours() -> None:
    steady = [hour(ago) for ago in range(1, 5)]
    assert found(*steady, hour(0, cost=2_000)) == []
    assert found(*steady, hour(0, cost=2_001)) == [("cost_spike", "a", "warning")]
    assert found(*steady, hour(0, cost=4_001)) == [("cost_spike", "a", "critical")]
    assert found(*steady, hour(0, ms=250)) == [("latency_spike", "a", "warning")]
    (spike,) = find_anomalies(hours_of([*steady, hour(0, ms=500)]))
    assert (spike.value, spike.expected, spike.severity) == (500, 100, "critical")
    assert spike.hour == NOON


def test_few_hours_and_few_calls_prove_nothing() -> None:
    assert found(*(hour(ago) for ago in range(1, 3)), hour(0, cost=90_000)) == []
    steady = [hour(ago) for ago in range(1, 5)]
    assert found(*steady, hour(0, calls=4, ms=9_000)) == []
    assert found(hour(0, calls=4, faults=4)) == []


def test_error_rates_above_a_tenth_warn_and_above_a_quarter_are_critical() -> None:
    assert found(hour(0, calls=100, faults=10)) == []
    assert found(hour(0, calls=100, faults=11)) == [("high_error_rate", "a", "warning")]
    assert found(hour(0, calls=100, faults=26)) == [("high_error_rate", "a", "critical")]


def test_newest_first_and_nobody_is_no_provider() -> None:
    listed = find_anomalies(
        hours_of([hour(ago, faults=9, provider=name) for ago, name in ((3, "a"), (1, "b"), (2, NOBODY))])
    )
    assert [each.provider for each in listed] == ["b", "a"]
