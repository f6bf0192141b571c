"""Referrals as JSON answers show them. Source: spec 03 §7 (cases 8.6.1 to 8.6.4).

No answer shows an e-mail address: people are named by the part before the @.
"""

from typing import Any
from urllib.parse import urlencode

from gatewayz.config.sections.plans import Referrals as ReferralRules
from gatewayz.domain.referrals.referrals import ReferralStats
from gatewayz.sdk.money import usd_float
from gatewayz.store.referral_records import ReferralCode

__all__ = ["show_code", "show_stats", "show_valid"]


def show_code(code: ReferralCode, rules: ReferralRules) -> dict[str, Any]:
    """Return a code with a link that carries it (8.6.1)."""
    link = _invite_link(code, rules)
    return {
        "referral_code": code.code,
        "invite_link": link,
        "share_message": f"Use my code {code.code} and we both get ${rules.bonus} with your first purchase: {link}",
    }


def show_stats(stats: ReferralStats, rules: ReferralRules, balance: int) -> dict[str, Any]:
    """Return what a code has brought (8.6.3).

    :param balance: what the user can spend, in nano-dollars.
    """
    totals = stats.totals
    return {
        "referral_code": stats.code.code,
        "invite_link": _invite_link(stats.code, rules),
        "total_uses": stats.code.times_used,
        "completed_bonuses": totals.completed,
        "pending_bonuses": totals.pending,
        "remaining_uses": max(0, rules.max_uses - stats.code.times_used),
        "max_uses": rules.max_uses,
        "total_earned": usd_float(totals.earned),
        "conversion_rate": round(totals.completed / totals.total, 4) if totals.total else 0.0,
        "current_balance": usd_float(balance),
        "referred_by_code": None if stats.came_by is None else stats.came_by.code,
        "referrals": [
            {
                "user": _username(referral.referred_email),
                "status": referral.status,
                "date": referral.created_at.isoformat(),
                "bonus": usd_float(referral.bonus),
            }
            for referral in stats.referrals
        ],
    }


def show_valid(owner: ReferralCode) -> dict[str, Any]:
    """Return whose code a valid one is (8.6.4)."""
    return {"valid": True, "message": "This referral code is valid.", "referrer_username": _username(owner.email)}


def _invite_link(code: ReferralCode, rules: ReferralRules) -> str:
    separator = "&" if "?" in rules.invite_url else "?"
    return f"{rules.invite_url}{separator}{urlencode({'ref': code.code})}"


def _username(email: str) -> str:
    return email.partition("@")[0]
