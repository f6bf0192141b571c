import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.kit.figures import Figure, is_held, memory, ratios, reading, start, values
from benchmarks.kit.results import Round
from tests.fakes.bench_results import reading as found
from tests.fakes.bench_results import results, saturated

REQUESTS = reading("sat", lambda one: one.load.rps)


def test_a_figure_is_the_median_with_its_spread() -> None:
    figure = Figure.of([3000.0, 1000.0, 2000.4])
    assert figure is not None
    assert figure.text() == "2,000 (1,000..3,000)"
    assert figure.text(1) == "2,000.4 (1,000.0..3,000.0)"


def test_a_single_value_has_no_spread() -> None:
    figure = Figure.of([1.26])
    assert figure is not None
    assert figure.text(1) == "1.3"


def test_no_values_make_no_figure() -> None:
    assert Figure.of([]) is None


@given(st.lists(st.floats(min_value=0, max_value=1e9), min_size=1))
def test_the_median_lies_within_the_spread(numbers: list[float]) -> None:
    figure = Figure.of(numbers)
    assert figure is not None
    assert figure.lowest <= figure.median <= figure.highest
    assert figure.count == len(numbers)


def test_values_leave_out_broken_rounds_and_absent_scenarios() -> None:
    run = results(gatewayz=(saturated(1000), Round(error="it ended"), Round()))
    assert values(run, "gatewayz", REQUESTS) == [1000]
    assert values(run, "nobody", REQUESTS) == []


def test_zero_is_not_a_measurement() -> None:
    run = results(direct=(saturated(1000, c1=found(cpu_us=0.0)),))
    assert values(run, "direct", reading("c1", lambda one: one.cpu_us_per_unit)) == []


def test_values_can_leave_out_what_was_not_held() -> None:
    run = results(slow=(saturated(10, paced=found(is_held=False)), saturated(10, paced=found())))
    pick = reading("paced", lambda one: one.load.rps, only_held=True)
    assert values(run, "slow", pick) == [100.0]
    assert not is_held(run, "slow", "paced")
    assert is_held(run, "slow", "sat")


def test_ratios_pair_repetitions() -> None:
    run = results(gatewayz=(saturated(1000), saturated(4000)), litellm=(saturated(100), saturated(200)))
    assert ratios(run, "gatewayz", "litellm", REQUESTS) == [10, 20]


def test_ratios_skip_a_pair_with_a_broken_round() -> None:
    run = results(gatewayz=(saturated(1000), saturated(4000)), litellm=(Round(error="x"), saturated(200)))
    assert ratios(run, "gatewayz", "litellm", REQUESTS) == [20]


@pytest.mark.parametrize(("pick", "expected"), [(start, [0.5]), (memory, [80.0])])
def test_a_process_has_a_start_and_memory(pick, expected) -> None:
    assert values(results(gatewayz=(saturated(1),)), "gatewayz", pick) == expected


def test_what_runs_already_has_no_start() -> None:
    assert values(results(direct=(Round(startup_s=0.001),)), "direct", start) == []
