from gatewayz.domain.health.score import grade, score
from gatewayz.domain.observation.traffic import Tally


def test_nothing_seen_is_no_score() -> None:
    assert score([]) is None
    assert grade(None) == "unknown"


def test_it_starts_at_100_and_stays_within_bounds() -> None:
    assert score([Tally(50, 0)]) == 100
    assert score([Tally(0, 3)]) == 85
    assert score([Tally(0, 300)]) == 0
    assert score([Tally(0, 300), Tally(10, 0)]) == 20


def test_what_came_last_weighs_most() -> None:
    assert score([Tally(1000, 0), Tally(0, 20)]) == 0
    assert score([Tally(0, 20), Tally(1000, 0)]) == 100


def test_within_a_minute_successes_and_failures_are_summed() -> None:
    assert score([Tally(5, 4)]) == 90


def test_grades_begin_at_80_and_50() -> None:
    assert [grade(points) for points in (100, 80, 79, 50, 49, 0)] == [
        "healthy",
        "healthy",
        "degraded",
        "degraded",
        "unhealthy",
        "unhealthy",
    ]
