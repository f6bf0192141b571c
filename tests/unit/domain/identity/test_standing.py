from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatewayz.config.sections.money import Subscriptions, SubscriptionTier
from gatewayz.domain.identity.standing import Standing, standing_of
from gatewayz.store.payment_records import Subscription
from gatewayz.store.profile_records import Profile
from gatewayz.store.records import User

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOON, PAST = NOW + timedelta(days=20), NOW - timedelta(days=1)
RULES = Subscriptions(tiers={"basic": SubscriptionTier(name="Basic"), "pro": SubscriptionTier(name="Pro")})


def user(**changes: Any) -> User:
    values: dict[str, Any] = {"id": 1, "email": "a@example.com", "role": "user", "plan": None, "is_active": True}
    moments = {"trial_ends_at": None, "created_at": NOW, "updated_at": NOW}
    return User(**(values | moments | changes))


def subscription(**changes: Any) -> Subscription:
    values: dict[str, Any] = dict.fromkeys(Subscription.__struct_fields__) | {
        "user_id": 1,
        "processor": "p",
        "subscription_id": "s",
        "status": "active",
        "tier": "pro",
        "period_end": SOON,
        "cancel_at_period_end": False,
        "as_of": NOW,
    }
    return Subscription(**(values | changes))


def stand(who: User, paid: Subscription | None = None, *, is_suspect: bool = False) -> Standing:
    return standing_of(who, Profile(username="a", is_suspect=is_suspect), paid, RULES, NOW)


def test_without_a_subscription_the_default_tier_has_no_dates() -> None:
    assert stand(user()) == Standing(
        status="inactive", tier="basic", tier_name="Basic", ends_at=None, allowance_reset_at=None
    )


def test_an_active_subscription_renews_at_the_end_of_its_period() -> None:
    found = stand(user(), subscription())
    assert (found.status, found.tier_name, found.ends_at, found.allowance_reset_at) == ("active", "Pro", SOON, SOON)


def test_one_that_was_cancelled_runs_to_its_end_and_renews_no_more() -> None:
    found = stand(user(), subscription(cancel_at_period_end=True))
    assert (found.status, found.ends_at, found.allowance_reset_at) == ("active", SOON, None)


def test_one_that_is_not_paid_gets_no_allowance() -> None:
    found = stand(user(), subscription(status="past_due", tier="basic"))
    assert (found.status, found.ends_at, found.allowance_reset_at) == ("past_due", SOON, None)


def test_a_tier_that_left_the_configuration_keeps_its_name() -> None:
    assert stand(user(), subscription(tier="gold")).tier_name == "gold"


@pytest.mark.parametrize(
    ("who", "paid", "status"),
    [
        (user(plan="pro", plan_ends_at=PAST), None, "inactive"),
        (user(plan="pro", plan_ends_at=SOON), None, "active"),
        (user(trial_ends_at=SOON), None, "trial"),
        (user(trial_ends_at=NOW), None, "expired"),
        (user(), "canceled", "canceled"),
        (user(trial_ends_at=SOON), "canceled", "trial"),
    ],
)
def test_the_first_word_that_holds(who: User, paid: str | None, status: str) -> None:
    assert stand(who, None if paid is None else subscription(status=paid)).status == status


def test_a_throw_away_address_is_said_before_all_else() -> None:
    assert stand(user(plan="pro"), subscription(), is_suspect=True).status == "bot"
