import msgspec
import pytest

from benchmarks.kit.promises import PROMISES, Promise, judge
from tests.fakes.bench_results import LOAD, STARTUP, reading, results, saturated

BY_NAME = {promise.name: promise for promise in PROMISES}


def test_a_floor_is_kept_from_its_bound_on() -> None:
    promise = BY_NAME["requests a second, metering on"]
    assert judge(promise, results(gatewayz=(saturated(1500),)))[1] == "reached"
    assert judge(promise, results(gatewayz=(saturated(1499),)))[1] == "not reached"


def test_a_ceiling_is_kept_up_to_its_bound() -> None:
    promise = BY_NAME["p50 at one connection"]

    def one(p50_us: float) -> str:
        load = msgspec.structs.replace(LOAD, lat_us=msgspec.structs.replace(LOAD.lat_us, p50=p50_us))
        return judge(promise, results(gatewayz=(saturated(1, c1=reading(load)),)))[1]

    assert one(800.0) == "reached"
    assert one(801.0) == "not reached"


def test_the_median_decides() -> None:
    run = msgspec.structs.replace(results(gatewayz=()), startup=STARTUP)
    figure, verdict = judge(BY_NAME["start to first 200, all providers configured"], run)
    assert verdict == "reached"
    assert figure is not None
    assert figure.highest == 2.5


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_what_was_not_measured_is_not_reached(promise: Promise) -> None:
    assert judge(promise, results()) == (None, "not measured")


def test_the_unmetered_gateway_keeps_no_promise() -> None:
    run = results(gatewayz_unmetered=(saturated(9999),))
    assert judge(BY_NAME["requests a second, metering on"], run)[1] == "not measured"


def test_a_pace_that_was_not_held_keeps_no_promise() -> None:
    fast = msgspec.structs.replace(LOAD, ttft_us=msgspec.structs.replace(LOAD.ttft_us, p50=10.0))
    promise = BY_NAME["time to first event, p50, paced streams"]
    held = results(gatewayz=(saturated(1, paced=reading(fast)),))
    late = results(gatewayz=(saturated(1, paced=reading(fast, is_held=False)),))
    assert judge(promise, held)[1] == "reached"
    assert judge(promise, late)[1] == "not measured"


def test_a_bound_in_words() -> None:
    assert BY_NAME["requests a second, metering on"].text == "≥ 1,500/s"
    assert BY_NAME["memory after load (PSS)"].text == "≤ 130 MB"
