from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.breakers.window import Window


def test_counts_and_forgets() -> None:
    window = Window(60.0)
    window.add(1000.0, failed=True)
    window.add(1001.0, failed=False)
    assert (window.requests, window.failures, window.failure_rate()) == (2, 1, 0.5)
    window.advance(1067.0)
    assert (window.requests, window.failures, window.failure_rate()) == (0, 0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60))
def test_equals_the_naive_count_to_one_bucket(steps: list[tuple[float, bool]]) -> None:
    window = Window(60.0)
    now, seen = 0.0, []
    for pause, failed in steps:
        now += pause
        window.add(now, failed)
        seen.append((int(now / 5), failed))
    current = int(now / 5)
    within = [failed for bucket, failed in seen if bucket > current - 12]
    assert (window.requests, window.failures) == (len(within), sum(within))


def test_clear() -> None:
    window = Window(12.0)
    window.add(5.0, failed=True)
    window.clear()
    assert (window.requests, window.failures) == (0, 0)
