"""Trials as the store keeps them; amounts in nano-dollars."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["NewTrial", "Trial", "TrialAccount", "TrialFilter", "TrialKind", "TrialUsage"]

TrialKind = Literal["standard", "partner"]


class NewTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial to be started."""

    user_id: int
    kind: TrialKind = "standard"
    partner_code: str | None = None
    source: str | None = None
    """Where the sign-up came from."""
    signup_ip: str | None = None
    started_at: datetime
    ends_at: datetime
    credits: int
    max_tokens: int
    max_requests: int
    daily_cap: int | None = None


class Trial(NewTrial, frozen=True, kw_only=True):
    """A trial."""

    converted_at: datetime | None = None
    """When its user paid."""
    requests_at_conversion: int | None = None
    tokens_at_conversion: int | None = None


class TrialUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What was used since the trial's start, as far as the usage log reaches."""

    requests: int = 0
    tokens: int = 0
    spent: int = 0
    spent_today: int = 0


class TrialAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A user that has or had a trial, with its usage."""

    user_id: int
    email: str
    created_at: datetime
    trial_ends_at: datetime | None
    """While the trial is not converted."""
    trial: Trial | None
    """None for a user whose trial was given by the command line."""
    key_id: int | None
    key_last_four: str | None
    environment_tag: str | None
    requests: int
    tokens: int
    spent: int
    last_request_at: datetime | None


class TrialFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which trial accounts are asked for."""

    domain: str | None = None
    partner_code: str | None = None
