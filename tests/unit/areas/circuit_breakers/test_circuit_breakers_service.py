from gatewayz.areas.circuit_breakers import service
from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.breakers import Breakers
from tests.fakes.clock import FakeClock

FIELDS = {
    "provider",
    "state",
    "failure_count",
    "success_count",
    "failure_rate",
    "recent_requests",
    "opened_at",
    "seconds_until_retry",
}


def make() -> Breakers:
    breakers = Breakers(Rules(), FakeClock(), ["acme", "other"])
    for _ in range(5):
        key = ("acme", "m/a", "default")
        breakers.failed(key, breakers.admit(key))
    return breakers


def test_list() -> None:
    shown = service.list_breakers(make())
    assert set(shown["circuit_breakers"]) == {"acme", "other"}
    assert (shown["total_count"], shown["open_count"], shown["half_open_count"], shown["closed_count"]) == (2, 1, 0, 1)


def test_show() -> None:
    breakers = make()
    shown = service.show_breaker(breakers, "acme")
    assert set(shown) == FIELDS
    assert shown["state"] == "OPEN"
    assert type(shown["state"]) is str
    assert service.show_breaker(breakers, "unseen")["state"] == "CLOSED"


def test_reset() -> None:
    breakers = make()
    answer = service.reset_breaker(breakers, "acme")
    assert answer["success"] is True
    assert answer["state"]["state"] == "CLOSED"
    assert service.reset_breaker(breakers, "unseen")["state"]["state"] == "CLOSED"


def test_reset_all() -> None:
    answer = service.reset_all_breakers(make())
    assert answer["reset_count"] == 2
    assert {state["state"] for state in answer["states"].values()} == {"CLOSED"}
