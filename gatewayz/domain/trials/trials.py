"""Trials as the rest of the gateway uses them.

`users.trial_ends_at` is the one fact about a running trial (None: there is none, or its user paid);
the row in `trials` says what belongs to it. Source: spec 00 §6.1; docs/decisions/0121-trials.md.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.grants.grants import Grants
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.money import nano_from_usd
from gatewayz.store.records import User
from gatewayz.store.trial_records import NewTrial, Trial, TrialAccount, TrialFilter, TrialUsage

if TYPE_CHECKING:
    from gatewayz.store.sql.trials import SqlTrialStore

__all__ = ["DAY", "TrialState", "TrialStatus", "Trials", "day_of", "status_of"]

TrialStatus = Literal["active", "expired", "converted", "none"]
DAY = timedelta(days=1)


class TrialState(msgspec.Struct, frozen=True, kw_only=True):
    """A user's trial as of now; amounts in nano-dollars."""

    status: TrialStatus
    ends_at: datetime | None = None
    days_remaining: float = 0.0
    trial: NewTrial | None = None
    usage: TrialUsage = TrialUsage()


class Trials:
    """The service."""

    def __init__(self, store: "SqlTrialStore", grants: Grants, clock: Clock) -> None:
        self._store = store
        self._grants = grants
        self._clock = clock

    async def start(
        self, user_id: int, rules: TrialRules, *, source: str | None = None, signup_ip: str | None = None
    ) -> bool:
        """Give a new user the standard trial with its credit; False for one who has had a trial.

        Safe to repeat. Raises ResourceNotFound, StoreUnavailable (the credit, once promised, is booked later).
        """
        trial = self._standard(user_id, rules, self._clock.now())
        grant = await self._store.start(msgspec.structs.replace(trial, source=source, signup_ip=signup_ip))
        if grant is not None:
            await self._grants.book(grant)
        return grant is not None

    async def convert(self, user: User, rules: TrialRules) -> bool:
        """End a trial because its user paid or subscribed; what credit is left stays. False when there is none."""
        trial = self._standard(user.id, rules, user.created_at)
        return await self._store.convert(trial, self._clock.now())

    async def find(self, user_id: int) -> Trial | None:
        """Return what is kept of a user's trial, over or not."""
        return await self._store.find(user_id)

    async def state(self, user: User, rules: TrialRules) -> TrialState:
        """Return a user's trial as of now."""
        now = self._clock.now()
        found = await self._store.find(user.id)
        status = status_of(user.trial_ends_at, found, now)
        if status == "none":
            return TrialState(status=status)
        trial: NewTrial = found or self._standard(user.id, rules, user.created_at)
        ends_at = user.trial_ends_at or trial.ends_at
        remaining = max(0.0, (ends_at - now) / DAY) if status == "active" else 0.0
        usage = await self._store.usage(user.id, trial.started_at, day_of(now))
        return TrialState(status=status, ends_at=ends_at, days_remaining=remaining, trial=trial, usage=usage)

    async def limits(self, user_id: int, rules: TrialRules) -> tuple[NewTrial, TrialUsage]:
        """Return what a trial allows and what is used of it."""
        now = self._clock.now()
        found = await self._store.find(user_id)
        trial: NewTrial = found or self._standard(user_id, rules, now - timedelta(days=365))
        return trial, await self._store.usage(user_id, trial.started_at, day_of(now))

    async def list_accounts(self, filter: TrialFilter) -> Sequence[TrialAccount]:
        """Return every user that has or had a trial, with its usage."""
        return await self._store.list_accounts(filter)

    def _standard(self, user_id: int, rules: TrialRules, started_at: datetime) -> NewTrial:
        return NewTrial(
            user_id=user_id,
            started_at=started_at,
            ends_at=started_at + timedelta(days=rules.days),
            credits=nano_from_usd(str(rules.credits)),
            max_tokens=rules.tokens,
            max_requests=rules.requests,
            daily_cap=None if rules.daily_cap is None else nano_from_usd(str(rules.daily_cap)),
        )


def status_of(trial_ends_at: datetime | None, trial: Trial | None, now: datetime) -> TrialStatus:
    """Return where a trial stands, from what is kept of its user and of itself."""
    if trial is not None and trial.converted_at is not None:
        return "converted"
    if trial_ends_at is None:
        return "none" if trial is None else "expired"
    return "active" if now < trial_ends_at else "expired"


def day_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's day, UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
