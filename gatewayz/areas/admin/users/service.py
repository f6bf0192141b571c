"""Users and keys as administrators see them. Source: spec 07 §2, 04 §1."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from gatewayz.domain.identity.accounts import is_in_force
from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.identity.standing import status_word
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.profile_records import Account, KindCount, public_email
from gatewayz.store.records import ApiKey

__all__ = ["parse_domain", "show_account", "show_balance", "show_growth", "show_key", "show_kinds"]

_DOMAIN: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def show_account(account: Account, now: datetime) -> dict[str, Any]:
    """Return a user (24.2.1, 24.2.2)."""
    user, profile = account.user, account.profile
    return {
        "id": user.id,
        "username": profile.username,
        "email": public_email(user.email),
        "credits": account.spendable / NANO_PER_USD,
        "is_active": user.is_active,
        "role": user.role,
        "plan": user.plan,
        "registration_date": user.created_at,
        "auth_method": profile.auth_method,
        "subscription_status": status_word(user, account.subscription, now, is_suspect=profile.is_suspect),
        "trial_expires_at": user.trial_ends_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def show_balance(account: Account) -> dict[str, Any]:
    """Return what a user can spend; the key is the primary one, masked."""
    user = account.user
    return {
        "user_id": user.id,
        "username": account.profile.username,
        "api_key": None if account.primary_key is None else masked_key(*account.primary_key),
        "credits": account.spendable / NANO_PER_USD,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


def show_key(key: ApiKey) -> dict[str, Any]:
    """Return a key without its text."""
    return {
        "id": key.id,
        "user_id": key.user_id,
        "key_name": key.name,
        "masked_key": masked_key(key.environment_tag, key.sealed.last_four),
        "environment_tag": key.environment_tag,
        "scope_permissions": key.scopes,
        "is_active": is_in_force(key),
        "is_primary": key.is_primary,
        "expiration_date": key.expires_at,
        "revoked_at": key.revoked_at,
        "max_requests": key.max_requests,
        "requests_used": key.requests_used,
        "ip_allowlist": key.ip_allowlist,
        "domain_referrers": key.domain_referrers,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
    }


def show_growth(before: int, made: Sequence[datetime], first: date, days: int) -> dict[str, Any]:
    """Return new users by day and how many there were in all (24.2.5).

    :param before: how many there were before the first day.
    """
    new = Counter(moment.astimezone(UTC).date() for moment in made)
    total, data = before, []
    for day in (first + timedelta(days=n) for n in range(days)):
        total += new[day]
        data.append({"date": day, "value": total, "new_users": new[day]})
    return {
        "days": days,
        "start_date": first,
        "end_date": data[-1]["date"],
        "data": data,
        "total": total,
        "growth_rate": round(100 * (total - before) / before, 2) if before else (100.0 if total else 0.0),
    }


def show_kinds(kinds: Sequence[KindCount]) -> dict[str, Any]:
    """Return users by kind, and what they can spend (24.2.6)."""
    roles: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for each in kinds:
        roles[each.role] += each.users
        statuses[each.status] += each.users
    total, active = sum(roles.values()), sum(each.users for each in kinds if each.is_active)
    credits = sum(each.spendable for each in kinds) / NANO_PER_USD
    return {
        "active_users": active,
        "inactive_users": total - active,
        "admin_users": roles["admin"],
        "developer_users": roles["developer"],
        "regular_users": roles["user"],
        "total_credits": credits,
        "average_credits": credits / total if total else 0.0,
        "subscription_breakdown": statuses,
    }


def parse_domain(text: str) -> str:
    """Return a mail domain in lower case. Raises InvalidRequest."""
    domain = text.strip().rstrip(".").lower()
    if _DOMAIN.fullmatch(domain) is None:
        raise InvalidRequest("This is not a mail domain.", param="domain")
    return domain
