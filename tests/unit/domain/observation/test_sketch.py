import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.observation.sketch import Sketch

VALUES = st.lists(st.floats(min_value=0.01, max_value=1e7), min_size=1, max_size=200)


def sketch(values: list[float]) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


@given(VALUES, st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_quantiles_are_within_five_percent(values: list[float], share: float) -> None:
    true = sorted(values)[int(share * (len(values) - 1))]
    assert sketch(values).quantile(share) == pytest.approx(true, rel=0.05)


@given(VALUES, VALUES)
def test_sketches_add_up(first: list[float], second: list[float]) -> None:
    merged = sketch(first)
    merged.merge(sketch(second))
    both = sketch(first + second)
    assert merged.count == len(first) + len(second)
    assert merged.mean() == pytest.approx(both.mean())
    assert [merged.quantile(q / 10) for q in range(11)] == [both.quantile(q / 10) for q in range(11)]


@given(st.lists(st.floats(min_value=0, max_value=1e12), max_size=100))
def test_packing_keeps_everything(values: list[float]) -> None:
    made = sketch(values)
    back = Sketch.unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(made.pack())))
    assert back.pack() == made.pack()
    assert (back.count, back.mean()) == (len(values), made.mean())


def test_nothing_is_none() -> None:
    assert (Sketch().count, Sketch().quantile(0.5), Sketch().mean()) == (0, None, None)


def test_a_usual_minute_is_small() -> None:
    made = sketch([100 + 40 * (number % 37) for number in range(5000)])
    assert len(msgspec.msgpack.encode(made.pack())) < 120


def test_bounds_count_what_is_surely_not_above_them() -> None:
    sketch, values = Sketch(), [1.0, 9.0, 20.0, 94.0, 101.0, 500.0, 30_000.0]
    for value in values:
        sketch.add(value)
    bounds = [0.5, 10.0, 100.0, 1_000.0, 40_000.0]
    counts = sketch.at_most(bounds)
    assert counts == sorted(counts) and counts[-1] == len(values)
    for bound, count in zip(bounds, counts, strict=True):
        assert sum(value <= bound / 1.1 for value in values) <= count <= sum(value <= bound for value in values)
    assert sketch.total == sum(values)
    assert Sketch().at_most(bounds) == [0] * 5
