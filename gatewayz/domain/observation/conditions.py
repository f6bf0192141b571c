"""How an offer is doing, and how many of them together are. The rule in words: docs/observation.md."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.traffic import Condition, OfferState

__all__ = ["condition_of", "joint_condition"]


def condition_of(facts: OfferState, window: Bucket | None, now: datetime, rules: Conditions) -> Condition:
    """Return the condition of one offer.

    :param window: its traffic of the last `rules.window_minutes`, None without any.
    """
    told_at = max((at for at in (facts.last_success_at, facts.last_failure_at) if at is not None), default=None)
    if told_at is None or now - told_at >= timedelta(hours=rules.forget_hours):
        return "unknown"
    good, bad = (0, 0) if window is None else window.judged()
    share = bad / (good + bad) if bad else 0.0
    if facts.consecutive_failures >= rules.down_failures:
        return "down"
    if good + bad >= rules.down_attempts and share >= rules.down_share:
        return "down"
    if share >= rules.degraded_share:
        return "degraded"
    if good:
        return "healthy"
    return "degraded" if facts.consecutive_failures else "healthy"


def joint_condition(conditions: Iterable[Condition]) -> Condition:
    """Return the condition of a provider, a model or everything, from those of its offers.

    What is unknown says nothing; down is what is down everywhere, healthy what is healthy everywhere.
    """
    known = {condition for condition in conditions if condition != "unknown"}
    if not known:
        return "unknown"
    return known.pop() if len(known) == 1 else "degraded"
