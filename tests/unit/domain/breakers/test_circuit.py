import pytest

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.circuit import REFUSED, Circuit, State

RULES = Rules()


def make(now: float = 0.0) -> Circuit:
    return Circuit(RULES, now, probe_s=90.0)


def opened(now: float = 0.0) -> Circuit:
    circuit = make(now)
    for _ in range(5):
        assert circuit.failed(now, circuit.admit(now))
    return circuit


def test_five_consecutive_faults_open() -> None:
    circuit = make()
    for count in range(5):
        assert circuit.state(0) is State.CLOSED, count
        circuit.failed(0, circuit.admit(0))
    assert circuit.state(0) is State.OPEN
    assert circuit.admit(299.9) == REFUSED


def test_a_success_interrupts_the_run() -> None:
    circuit = make()
    for _ in range(4):
        circuit.failed(0, circuit.admit(0))
    circuit.succeeded(0, circuit.admit(0))
    circuit.failed(0, circuit.admit(0))
    assert circuit.state(0) is State.CLOSED


def test_failure_rate_opens() -> None:
    circuit = make()
    for _ in range(5):
        circuit.succeeded(0, circuit.admit(0))
        circuit.failed(0, circuit.admit(0))
    assert circuit.state(0) is State.OPEN


def test_old_failures_do_not_count_for_the_rate() -> None:
    circuit = make()
    for step in range(40):
        report = circuit.failed if step % 2 else circuit.succeeded
        report(step * 20.0, circuit.admit(step * 20.0))
    assert circuit.state(800.0) is State.CLOSED


def test_half_open_without_traffic_and_one_probe_at_a_time() -> None:
    circuit = opened()
    assert circuit.state(300.0) is State.HALF_OPEN
    probe = circuit.admit(300.0)
    assert probe
    assert not circuit.admit(301.0)
    assert circuit.refuses(301.0)
    circuit.succeeded(302.0, probe)
    second = circuit.admit(302.0)
    circuit.succeeded(303.0, second)
    assert circuit.state(303.0) is State.CLOSED


def test_one_failed_probe_opens_for_another_recovery_time() -> None:
    circuit = opened()
    circuit.failed(310.0, circuit.admit(300.0))
    assert circuit.state(609.9) is State.OPEN
    assert circuit.state(610.0) is State.HALF_OPEN


def test_a_lost_probe_expires_and_its_late_report_is_void() -> None:
    circuit = opened()
    lost = circuit.admit(300.0)
    assert not circuit.admit(389.0)
    probe = circuit.admit(390.0)
    assert probe
    assert not circuit.failed(391.0, lost)
    assert not circuit.admit(391.0), "the late report must not free the new probe's slot"
    assert circuit.succeeded(392.0, probe)


def test_an_abandoned_probe_frees_its_slot() -> None:
    circuit = opened()
    circuit.abandoned(circuit.admit(300.0))
    assert circuit.admit(300.1)


def test_reports_from_before_it_opened_change_nothing() -> None:
    circuit = make()
    old = circuit.admit(0)
    for _ in range(5):
        circuit.failed(0, circuit.admit(0))
    assert not circuit.succeeded(1, old)
    assert not circuit.failed(301, old)
    assert circuit.state(301) is State.HALF_OPEN


def test_last_resort_is_paced_and_can_close() -> None:
    circuit = opened()
    permit = circuit.last_resort(1.0)
    assert permit
    assert not circuit.last_resort(1.0)
    assert circuit.succeeded(2.0, permit)
    assert circuit.state(2.0) is State.HALF_OPEN
    circuit.succeeded(3.0, circuit.admit(3.0))
    assert circuit.state(3.0) is State.CLOSED


def test_a_failed_last_resort_does_not_lengthen_the_recovery() -> None:
    circuit = opened()
    circuit.failed(250.0, circuit.last_resort(250.0))
    assert circuit.state(299.9) is State.OPEN
    assert circuit.state(300.0) is State.HALF_OPEN


def test_cooldown_refuses_and_is_no_fault() -> None:
    circuit = make()
    circuit.cool(10.0)
    circuit.cool(5.0)
    assert not circuit.admit(9.9)
    assert not circuit.last_resort(9.9)
    assert circuit.admit(10.0)
    assert circuit.state(0) is State.CLOSED


@pytest.mark.parametrize(("values", "median"), [([], None), ([5.0], 5.0), ([1.0, 9.0, 2.0], 2.0)])
def test_latency_median(values: list[float], median: float | None) -> None:
    circuit = make()
    for value in values:
        circuit.measured(0.0, value)
    assert circuit.latency_p50_ms(0.0) == median


def test_latencies_are_forgotten_when_nothing_new_comes() -> None:
    circuit = Circuit(Rules(latency_kept_s=60.0), 0.0, probe_s=90.0)
    circuit.measured(0.0, 900.0)
    assert circuit.latency_p50_ms(60.0) == 900.0
    assert circuit.latency_p50_ms(60.1) is None
    circuit.measured(61.0, 5.0)
    assert circuit.latency_p50_ms(61.0) == 5.0
