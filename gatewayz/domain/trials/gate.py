"""May a caller on trial make this call?

The end of the trial is known from memory; what is used of it is counted from the usage log, at most
`usage_age_s` old, and calls admitted since then are added. Money has no such slack: the ledger
holds it. Source: spec 00 §6.1; docs/decisions/0121-trials.md.
"""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.trials.trials import DAY, Trials, day_of
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import PaymentRequired, RateLimited
from gatewayz.sdk.money import usd_text
from gatewayz.store.trial_records import NewTrial, TrialUsage

__all__ = ["TrialGate", "check_trial"]

_FREE: Final = ":free"
_COUNTED: Final = 10_000
"""Trial users whose usage is remembered; the one not seen for longest goes first."""


class _Count:
    __slots__ = ("admitted", "loaded_at", "trial", "usage")

    def __init__(self, trial: NewTrial, usage: TrialUsage, loaded_at: float) -> None:
        self.trial = trial
        self.usage = usage
        self.loaded_at = loaded_at
        self.admitted = 0


class TrialGate:
    """Looks at callers on trial, for one process."""

    def __init__(self, trials: Trials, clock: Clock) -> None:
        self._trials = trials
        self._clock = clock
        self._counts: OrderedDict[int, _Count] = OrderedDict()

    def check_end(self, caller: Caller) -> None:
        """Raise PaymentRequired (402, TRIAL_EXPIRED) when the caller's trial is over."""
        ends_at = caller.trial_ends_at
        if ends_at is not None and self._clock.now() >= ends_at:
            raise _expired(ends_at)

    async def check_caps(self, caller: Caller, rules: TrialRules) -> None:
        """Raise RateLimited (429) when tokens, requests or the day's money of the trial are used up."""
        if caller.user_id is None:
            return
        count = await self._count(caller.user_id, rules)
        trial, usage = count.trial, count.usage
        requests = usage.requests + count.admitted
        if requests >= trial.max_requests or usage.tokens >= trial.max_tokens:
            which = "requests" if requests >= trial.max_requests else "tokens"
            raise _used_up(which, trial, usage, requests)
        if trial.daily_cap is not None and usage.spent_today >= trial.daily_cap:
            raise _day_used_up(trial.daily_cap, self._clock.now())
        count.admitted += 1

    def forget(self, user_id: int) -> None:
        """Count a user's usage anew at the next call: the trial was changed."""
        self._counts.pop(user_id, None)

    async def _count(self, user_id: int, rules: TrialRules) -> _Count:
        count = self._counts.get(user_id)
        now = self._clock.monotonic()
        if count is None or now - count.loaded_at >= rules.usage_age_s:
            trial, usage = await self._trials.limits(user_id, rules)
            count = self._counts[user_id] = _Count(trial, usage, now)
            self._counts.move_to_end(user_id)
            if len(self._counts) > _COUNTED:
                self._counts.popitem(last=False)
        return count


async def check_trial(caller: Caller, model_id: str, gate: TrialGate, rules: TrialRules) -> None:
    """Let a call pass, or raise PaymentRequired (the trial is over) or RateLimited (it is used up).

    Models whose id ends in `:free` are always open. Source: spec 00 §6.1.
    """
    if not caller.is_trial or model_id.endswith(_FREE):
        return
    gate.check_end(caller)
    await gate.check_caps(caller, rules)


def _expired(ends_at: datetime) -> PaymentRequired:
    end = ends_at.isoformat()
    return PaymentRequired(
        "Your trial has ended. Buy credits or subscribe to go on; models ending in ':free' stay open.",
        code="TRIAL_EXPIRED",
        context={"trial_end_date": end},
        suggestions=("Buy credits or subscribe.", "Use a model whose id ends in ':free'."),
        headers={"X-Trial-Expired": "true", "X-Trial-End-Date": end},
    )


def _used_up(which: str, trial: NewTrial, usage: TrialUsage, requests: int) -> RateLimited:
    remaining = {
        "X-Trial-Remaining-Tokens": str(max(0, trial.max_tokens - usage.tokens)),
        "X-Trial-Remaining-Requests": str(max(0, trial.max_requests - requests)),
        "X-Trial-Remaining-Credits": usd_text(max(0, trial.credits - usage.spent)),
    }
    limit = trial.max_requests if which == "requests" else trial.max_tokens
    return RateLimited(
        f"The trial's {limit} {which} are used up. Buy credits or subscribe to go on.",
        code="TRIAL_LIMIT_REACHED",
        context={"limit_type": f"trial_{which}", "limit_value": limit},
        retry_after_s=DAY.total_seconds(),  # it does not come back: a client that must wait shall wait long
        headers=remaining,
    )


def _day_used_up(cap: int, now: datetime) -> RateLimited:
    wait_s = (day_of(now) + DAY - now).total_seconds()
    return RateLimited(
        f"The trial's daily limit of ${usd_text(cap)} is reached; it begins anew at 00:00 UTC.",
        code="DAILY_QUOTA_EXCEEDED",
        context={"limit_type": "daily_spend", "limit_value": usd_text(cap)},
        retry_after_s=wait_s,
    )
