"""Where a user stands: the words and dates that every answer about an account shows. Source: spec 00 §6.1, §6.3."""

from datetime import datetime

import msgspec

from gatewayz.config.sections.money import Subscriptions
from gatewayz.store.payment_records import Subscription
from gatewayz.store.profile_records import Profile
from gatewayz.store.records import User

__all__ = ["Standing", "standing_of", "status_word"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A user's status and subscription as of now."""

    status: str
    """active, trial, expired, past_due, canceled, inactive; bot for a temporary-mail account."""
    tier: str
    tier_name: str
    ends_at: datetime | None
    """When what was paid for, or given, lapses; None is open-ended, or nothing is in force."""
    allowance_reset_at: datetime | None
    """When the next allowance is due; None without one."""


def standing_of(
    user: User, profile: Profile, subscription: Subscription | None, rules: Subscriptions, now: datetime
) -> Standing:
    """Return where a user stands."""
    word = None if subscription is None else subscription.status
    tier = rules.default_tier if subscription is None else subscription.tier
    known = rules.tiers.get(tier)
    period_end = subscription.period_end if subscription is not None and word in ("active", "past_due") else None
    renews = subscription is not None and word == "active" and not subscription.cancel_at_period_end
    return Standing(
        status=status_word(user, word, now, is_suspect=profile.is_suspect),
        tier=tier,
        tier_name=tier if known is None else known.name,
        ends_at=period_end or user.plan_ends_at,
        allowance_reset_at=period_end if renews else None,
    )


def status_word(user: User, subscription: str | None, now: datetime, *, is_suspect: bool) -> str:
    """Return the subscription status people see.

    :param subscription: status of the subscription, None without one.
    """
    has_plan = user.plan is not None and (user.plan_ends_at is None or user.plan_ends_at > now)
    if is_suspect:
        return "bot"
    if has_plan or subscription == "active":
        return "active"
    if subscription == "past_due":
        return subscription
    if user.trial_ends_at is not None:
        return "trial" if user.trial_ends_at > now else "expired"
    return "canceled" if subscription == "canceled" else "inactive"
