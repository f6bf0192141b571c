from datetime import UTC, datetime

import pytest
from jinja2 import UndefinedError

from gatewayz.web import templating

UNKNOWN = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, UNKNOWN), (0, "0"), (950, "950"), (9_999, "9,999"), (12_440, "12.4k"), (3_100_000, "3.1M"), (2.5, "2.5")],
)
def test_counts(value: float | None, shown: str) -> None:
    assert templating.show_count(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, UNKNOWN), (4.26, "4.3 ms"), (840.4, "840 ms"), (2_440, "2.4 s")])
def test_times(value: float | None, shown: str) -> None:
    assert templating.show_milliseconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, UNKNOWN), (100.0, "100 %"), (99.9999, "> 99.99 %"), (0.0, "0 %"), (0.0001, "< 0.01 %"), (2.985, "2.98 %")],
)
def test_what_is_not_quite_all_or_nothing_is_not_shown_as_it(value: float | None, shown: str) -> None:
    assert templating.show_percentage(value) == shown


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(None, UNKNOWN), (0, "$0.00"), (1_204_500_000_000, "$1,204.50"), (2_100_000, "$0.0021"), (1_000, "< $0.0001")],
)
def test_money(nano: int | None, shown: str) -> None:
    assert templating.show_dollars(nano) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, UNKNOWN), (59.9, "59 s"), (310, "5 min 10 s"), (3_600, "1 h 0 min"), (273_600, "3 d 4 h")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert templating.show_duration(seconds) == shown


def test_moments() -> None:
    assert templating.show_moment(None) == UNKNOWN
    assert templating.show_moment(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2026-01-02 03:04 UTC"


def test_a_value_that_was_forgotten_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        templating.render("dashboard_top.html")
