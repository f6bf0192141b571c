"""Referrals as the store keeps them; amounts in nano-dollars."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["Referral", "ReferralCode", "ReferralTotals"]

ReferralStatus = Literal["pending", "completed", "lapsed"]
"""`lapsed`: the first purchase was too small to earn a bonus."""


class ReferralCode(msgspec.Struct, frozen=True, kw_only=True):
    """A user's code."""

    user_id: int
    email: str
    code: str
    times_used: int


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signed up by a code."""

    id: int
    code: str
    referrer_id: int
    referred_id: int
    referred_email: str
    status: ReferralStatus
    bonus: int
    created_at: datetime
    completed_at: datetime | None


class ReferralTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over one user's referrals."""

    total: int = 0
    completed: int = 0
    pending: int = 0
    earned: int = 0
