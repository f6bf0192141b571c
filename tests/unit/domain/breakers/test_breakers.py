import pytest

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import CircuitKey
from gatewayz.domain.breakers.signals import RouteSignals
from gatewayz.sdk.offers import Offer
from tests.fakes.clock import FakeClock

A: CircuitKey = ("acme", "m/a", "default")
B: CircuitKey = ("acme", "m/b", "default")
OTHER: CircuitKey = ("other", "m/a", "default")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breakers(clock: FakeClock) -> Breakers:
    return Breakers(Rules(), clock, ["acme", "other"])


def fail(breakers: Breakers, key: CircuitKey, times: int = 1) -> None:
    for _ in range(times):
        permit = breakers.admit(key)
        assert permit
        breakers.failed(key, permit)


def succeed(breakers: Breakers, key: CircuitKey) -> None:
    permit = breakers.admit(key)
    assert permit
    breakers.succeeded(key, permit)


def test_five_failing_requests_open_and_recovery_closes(breakers: Breakers, clock: FakeClock) -> None:
    fail(breakers, A, 5)
    view = breakers.view("acme")
    assert (view.state, view.failure_count, view.seconds_until_retry) == ("OPEN", 5, 300)
    assert view.opened_at == "2026-01-01T00:00:00+00:00"
    clock.advance(300)
    assert breakers.view("acme").state == "HALF_OPEN"
    succeed(breakers, A)
    assert breakers.view("acme").state == "HALF_OPEN"
    succeed(breakers, A)
    view = breakers.view("acme")
    assert (view.state, view.failure_count, view.opened_at, view.seconds_until_retry) == ("CLOSED", 0, None, 0)


def test_a_failed_probe_opens_again(breakers: Breakers, clock: FakeClock) -> None:
    fail(breakers, A, 5)
    clock.advance(300)
    fail(breakers, A)
    assert breakers.view("acme").state == "OPEN"
    assert breakers.view("acme").failure_count == 6


def test_the_visible_count_runs_over_all_circuits_and_shuts_all(breakers: Breakers) -> None:
    succeed(breakers, B)
    fail(breakers, A, 3)
    fail(breakers, B, 2)
    assert breakers.view("acme").state == "OPEN"
    assert breakers.is_open(A) and breakers.is_open(B) and breakers.is_open(("acme", "m/new", "default"))
    assert not breakers.admit(("acme", "m/new", "default"))
    assert not breakers.is_open(OTHER)
    assert breakers.admit(OTHER)


def test_one_count_per_client_request(breakers: Breakers) -> None:
    for _ in range(4):
        fail(breakers, A)
        permit = breakers.admit(B)
        breakers.failed(B, permit, is_repeat=True)
    assert breakers.view("acme").failure_count == 4
    assert breakers.view("acme").state == "CLOSED"


def test_a_sick_model_does_not_keep_a_healthy_one_shut(breakers: Breakers, clock: FakeClock) -> None:
    succeed(breakers, B)
    fail(breakers, A, 5)
    assert breakers.is_open(B)
    clock.advance(300)
    fail(breakers, A)
    assert breakers.view("acme").state == "OPEN"
    assert not breakers.is_open(B)
    succeed(breakers, B)
    succeed(breakers, B)
    assert breakers.view("acme").state == "CLOSED"
    assert breakers.is_open(A)
    for _ in range(3):
        succeed(breakers, B)


def test_the_failure_rate_of_the_only_route_opens_the_provider(breakers: Breakers) -> None:
    for _ in range(5):
        succeed(breakers, A)
        fail(breakers, A)
    assert breakers.view("acme").state == "OPEN"


def test_the_failure_rate_of_one_of_two_routes_does_not(breakers: Breakers) -> None:
    succeed(breakers, B)
    for _ in range(5):
        succeed(breakers, A)
        fail(breakers, A)
    assert breakers.is_open(A)
    assert breakers.view("acme").state == "CLOSED"
    assert breakers.admit(B)


def test_in_flight_failures_after_opening_change_nothing(breakers: Breakers, clock: FakeClock) -> None:
    permits = [breakers.admit(A) for _ in range(50)]
    for permit in permits:
        breakers.failed(A, permit)
    assert breakers.view("acme").failure_count == 5
    clock.advance(300)
    probe = breakers.admit(A)
    assert probe
    assert not breakers.admit(A)


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [(None, 5.0), (12.0, 12.0), (0.0, 0.0), (1e9, 300.0), (-1.0, 5.0), (float("nan"), 5.0), (float("inf"), 5.0)],
)
def test_rate_limits_cool_down_without_fault(breakers: Breakers, retry_after: float | None, expected: float) -> None:
    permit = breakers.admit(A)
    breakers.rate_limited(A, permit, retry_after)
    assert breakers.cooldown_remaining(A) == expected
    assert breakers.is_cooling(A) is (expected > 0)
    assert bool(breakers.admit(A)) is (expected == 0)
    assert breakers.seconds_until_retry(A) == expected
    assert not breakers.is_open(A)
    assert breakers.view("acme").failure_count == 0


def test_a_rate_limited_probe_frees_its_slot(breakers: Breakers, clock: FakeClock) -> None:
    fail(breakers, A, 5)
    clock.advance(300)
    breakers.rate_limited(A, breakers.admit(A), 2)
    clock.advance(2)
    assert breakers.admit(A)


def test_last_resort_takes_the_first_to_recover(breakers: Breakers, clock: FakeClock) -> None:
    fail(breakers, OTHER, 5)
    clock.advance(10)
    fail(breakers, A, 5)
    chosen = breakers.last_resort([A, OTHER])
    assert chosen is not None and chosen[0] == OTHER
    second = breakers.last_resort([A, OTHER])
    assert second is not None and second[0] == A
    assert breakers.last_resort([A, OTHER]) is None
    breakers.succeeded(*chosen)
    assert breakers.view("other").state == "HALF_OPEN"


def test_one_of_twenty_gets_through_an_open_breaker(breakers: Breakers) -> None:
    fail(breakers, A, 5)
    through = 0
    for _ in range(20):
        if chosen := breakers.last_resort([A]):
            through += 1
            breakers.failed(*chosen)
    assert through == 1


def test_last_resort_leaves_cooling_routes_alone(breakers: Breakers) -> None:
    breakers.rate_limited(A, breakers.admit(A), 60)
    assert breakers.last_resort([A]) is None


def test_unknown_names_are_created_closed_and_bounded(clock: FakeClock) -> None:
    breakers = Breakers(Rules(max_created=3), clock, ["acme"])
    for number in range(5):
        assert breakers.view(f"new{number}").state == "CLOSED"
    assert sorted(breakers.views()) == ["acme", "new2", "new3", "new4"]
    breakers.view("x" * 10_000)
    assert len(breakers.views()) == 4
    clock.advance(3600)
    assert list(breakers.views()) == ["acme"]


def test_reset_closes_the_provider_and_its_circuits_but_not_cooldowns(breakers: Breakers) -> None:
    breakers.rate_limited(B, breakers.admit(B), 60)
    fail(breakers, A, 5)
    assert breakers.reset("acme").state == "CLOSED"
    assert breakers.admit(A)
    assert breakers.is_cooling(B)
    assert breakers.view("acme").failure_count == 0


def test_reset_all(breakers: Breakers) -> None:
    fail(breakers, A, 5)
    fail(breakers, OTHER, 5)
    assert {view.state for view in breakers.reset_all().values()} == {"CLOSED"}
    assert breakers.admit(A) and breakers.admit(OTHER)


def test_reload_keeps_states_and_forgets_removed_instances(breakers: Breakers) -> None:
    fail(breakers, A, 5)
    fail(breakers, OTHER, 5)
    breakers.know(["acme", "fresh"])
    assert sorted(breakers.views()) == ["acme", "fresh"]
    assert breakers.is_open(A)
    assert not breakers.is_open(OTHER)


def test_circuits_are_bounded(breakers: Breakers, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    monkeypatch.setattr("gatewayz.domain.breakers.breakers.MAX_CIRCUITS", 100)
    for number in range(1000):
        breakers.admit(("acme", f"m/{number}", "default"))
        clock.advance(0.01)
    kept = [key for key, _ in breakers.circuits()]
    assert len(kept) <= 100
    assert ("acme", "m/999", "default") in kept


def test_signals(breakers: Breakers) -> None:
    signals = RouteSignals(breakers)
    offer = Offer(model="m/a", provider="acme", upstream_model="a")
    assert signals.latency_p50_ms(offer) is None
    breakers.succeeded(A, breakers.admit(A), latency_ms=120.0)
    assert signals.latency_p50_ms(offer) == 120.0
    breakers.rate_limited(A, breakers.admit(A), 3)
    assert signals.is_cooling(offer)
    fail(breakers, B, 5)
    assert signals.is_open(offer)
