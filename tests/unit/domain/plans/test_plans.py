from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from gatewayz.config.sections.plans import Plans as PlanRules
from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.domain.plans.assign import add_months
from gatewayz.domain.plans.plans import Plans
from gatewayz.sdk.errors import ConfigurationError
from tests.fakes.clock import FakeClock

SHIPPED = msgspec.convert(yaml.safe_load(Path("config/plans.yaml").read_text()), PlanRules)


def test_whose_plan_is_which() -> None:
    clock = FakeClock()
    plans = Plans(SHIPPED, clock)
    assert plans.of(ANONYMOUS).key is None
    assert plans.of(Caller(plan="Pro")).limits.requests_per_day == 1_000
    assert plans.of(Caller(plan="gone")).limits.requests_per_day == 25_000
    assert plans.of(Caller(role="admin", plan="free")).is_unlimited
    ending = Caller(plan="pro", plan_ends_at=clock.now() + timedelta(seconds=10))
    assert plans.of(ending).key == "pro"
    clock.advance(10)
    assert plans.of(ending).key is None


def test_hidden_plans_are_not_offered() -> None:
    plans = Plans(SHIPPED, FakeClock())
    assert [plan.key for plan in plans.offered()] == ["free", "pro", "enterprise"]
    admin = plans.find(4)
    assert admin is not None and admin.is_unlimited


def test_two_plans_of_one_id_are_refused() -> None:
    plain = yaml.safe_load(Path("config/plans.yaml").read_text())
    plain["offered"]["pro"]["id"] = 1
    with pytest.raises(ConfigurationError, match="one id"):
        Plans(msgspec.convert(plain, PlanRules), FakeClock())


def test_months_end_with_the_month() -> None:
    end_of_january = datetime(2027, 1, 31, 8, tzinfo=UTC)
    assert add_months(end_of_january, 1) == datetime(2027, 2, 28, 8, tzinfo=UTC)
    assert add_months(end_of_january, 12) == datetime(2028, 1, 31, 8, tzinfo=UTC)
    assert add_months(datetime(2026, 12, 5, tzinfo=UTC), 1) == datetime(2027, 1, 5, tzinfo=UTC)
