import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.observation.distinct import Distinct


def distinct(ids: range | list[int]) -> Distinct:
    made = Distinct()
    for each in ids:
        made.add(each)
    return made


@given(st.lists(st.integers(1, 40), max_size=200))
def test_few_are_counted_exactly(ids: list[int]) -> None:
    count = distinct(ids).count()
    assert count == len(set(ids)) if len(set(ids)) <= 32 else count == pytest.approx(len(set(ids)), abs=3)


@pytest.mark.parametrize("many", [33, 100, 1_000, 10_000, 50_000])
def test_many_are_counted_nearly(many: int) -> None:
    assert distinct(range(1, many + 1)).count() == pytest.approx(many, rel=0.07)


@pytest.mark.parametrize(("first", "second"), [(10, 10), (20, 20), (10, 500), (500, 10), (500, 900)])
def test_those_of_two_are_counted_once(first: int, second: int) -> None:
    merged = distinct(range(first))
    merged.merge(distinct(range(first // 2, first // 2 + second)))
    truth = max(first, first // 2 + second)
    assert merged.count() == pytest.approx(truth, rel=0.0 if truth <= 32 else 0.07)
    again = distinct(range(first))
    again.merge(again)
    assert again.count() == distinct(range(first)).count()


@pytest.mark.parametrize("many", [0, 5, 32, 33, 2_000])
def test_packing_keeps_everything(many: int) -> None:
    made = distinct(range(many))
    back = Distinct.unpack(made.pack())
    assert back.pack() == made.pack() and back.count() == made.count()
