from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.observation.spans import DAY, HOUR, MINUTE, Kept, Span, spans

D = 20_000 * DAY  # some midnight


def test_edges_by_minute_and_the_rest_by_longer_steps() -> None:
    kept = Kept(days_until=D + 3 * DAY, hours_until=D + 3 * DAY + 5 * HOUR)
    assert spans(D - 30 * MINUTE, D + 3 * DAY + 5 * HOUR + 90, kept) == [
        Span(MINUTE, D - 30 * MINUTE, D),
        Span(DAY, D, D + 3 * DAY),
        Span(HOUR, D + 3 * DAY, D + 3 * DAY + 5 * HOUR),
        Span(MINUTE, D + 3 * DAY + 5 * HOUR, D + 3 * DAY + 5 * HOUR + 90),
    ]


def test_what_is_not_summed_up_is_read_by_minute() -> None:
    assert spans(D, D + DAY, Kept()) == [Span(MINUTE, D, D + DAY)]


def test_no_longer_step_than_asked_for() -> None:
    kept = Kept(days_until=D + DAY, hours_until=D + DAY)
    assert spans(D, D + DAY, kept, HOUR) == [Span(HOUR, D, D + DAY)]
    assert spans(D, D + DAY, kept, MINUTE) == [Span(MINUTE, D, D + DAY)]


def test_long_ago_is_widened_to_what_is_kept() -> None:
    now = D + 100 * DAY
    kept = Kept(days_until=now, hours_until=now, minutes_from=now - 2 * DAY, hours_from=now - 60 * DAY)
    assert spans(D + 90 * DAY + 100, D + 90 * DAY + 200, kept) == [Span(HOUR, D + 90 * DAY, D + 90 * DAY + HOUR)]
    assert spans(D + 5 * HOUR, D + 6 * HOUR, kept) == [Span(DAY, D, D + DAY)]


@given(
    st.integers(0, 400_000), st.integers(1, 400_000), st.integers(0, 120), st.integers(0, 5), st.sampled_from((0, 48))
)
def test_no_moment_is_missing_or_read_twice(start: int, length: int, hours: int, days: int, forgotten: int) -> None:
    kept = Kept(
        hours_until=D + hours * HOUR, days_until=D + min(days, hours // 24) * DAY, minutes_from=D + forgotten * HOUR
    )
    first, end = D + start, D + start + length
    found = spans(first, end, kept)
    assert found[0].first <= first and found[-1].end >= end
    for one, next_one in pairwise(found):
        assert one.end == next_one.first
    for span in found:
        assert span.first < span.end and span.first % span.step == 0
        assert span.step == MINUTE or span.end % span.step == 0
        if span.first >= kept.minutes_from:
            assert first - first % MINUTE <= span.first and span.end <= end
