from gatewayz.config.sections.providers import RetryBudget as Rules
from gatewayz.domain.breakers.retry_budget import RetryBudget
from tests.fakes.clock import FakeClock


def spend(budget: RetryBudget, tries: int) -> int:
    return sum(budget.allow() for _ in range(tries))


def test_share_of_requests() -> None:
    budget = RetryBudget(Rules(ratio=0.2, min_per_s=0), FakeClock())
    for _ in range(100):
        budget.record_request()
    assert spend(budget, 100) == 20


def test_floor_per_second() -> None:
    clock = FakeClock()
    budget = RetryBudget(Rules(ratio=0.2, min_per_s=3), clock)
    budget.record_request()
    assert spend(budget, 10) == 3
    clock.advance(1)
    assert spend(budget, 10) == 3


def test_floor_does_not_come_on_top_of_the_share() -> None:
    budget = RetryBudget(Rules(ratio=0.2, min_per_s=3), FakeClock())
    for _ in range(100):
        budget.record_request()
    assert spend(budget, 100) == 20


def test_nothing_is_allowed_without_floor_and_requests() -> None:
    assert spend(RetryBudget(Rules(ratio=0.2, min_per_s=0), FakeClock()), 5) == 0


def test_slow_floor() -> None:
    clock = FakeClock()
    budget = RetryBudget(Rules(ratio=0, min_per_s=0.5), clock)
    spent = 0
    for _ in range(20):
        spent += spend(budget, 3)
        clock.advance(1)
    assert spent == 10


def test_old_requests_leave_the_window() -> None:
    clock = FakeClock()
    budget = RetryBudget(Rules(ratio=0.2, min_per_s=0), clock)
    for _ in range(100):
        budget.record_request()
    clock.advance(11)
    assert spend(budget, 10) == 0


def test_other_rules_count_from_then_on() -> None:
    budget = RetryBudget(Rules(ratio=0, min_per_s=0), FakeClock())
    budget.record_request()
    assert spend(budget, 5) == 0
    budget.configure(Rules(ratio=0, min_per_s=3))
    assert spend(budget, 5) == 3
