"""What trials come to, from users, trials and the usage log. Source: spec 07 §8 (cases 24.8.1 to 24.8.4)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any, Final

import msgspec

from gatewayz.areas.admin.trials.schema import UsersQuery
from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.trials.trials import DAY, TrialStatus, status_of
from gatewayz.sdk.money import nano_from_usd, usd_float
from gatewayz.store.trial_records import TrialAccount

__all__ = ["TrialReport", "report"]

_FLAGGED: Final = 7.0
"""Abuse score above which a domain is flagged; from 0 to 10."""
_MAIL_PROVIDERS: Final = 50
"""Domains with more users than this and ordinary use are mail providers, not one person with many addresses."""
_STEPS: Final = (
    ("made_first_request", 1),
    ("made_10_requests", 10),
    ("made_50_requests", 50),
    ("made_100_requests", 100),
)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A trial account with what is calculated of it."""

    account: TrialAccount
    status: TrialStatus
    started_at: datetime
    ends_at: datetime
    max_tokens: int
    max_requests: int
    credits: int

    @property
    def domain(self) -> str:
        return self.account.email.rpartition("@")[2].casefold()

    @property
    def requests_at_conversion(self) -> int:
        trial = self.account.trial
        return (trial.requests_at_conversion or 0) if trial is not None else 0

    @property
    def tokens_at_conversion(self) -> int:
        trial = self.account.trial
        return (trial.tokens_at_conversion or 0) if trial is not None else 0


class TrialReport:
    """All trials at one moment."""

    def __init__(self, seen: Sequence[_Seen], now: datetime) -> None:
        self._seen = seen
        self._now = now

    def analytics(self) -> dict[str, Any]:
        """Return the figures over all trials (24.8.1)."""
        seen, total = self._seen, len(self._seen)
        counts = _by_status(seen)
        requests, tokens, spent = _sums(seen)
        return {
            "total_trials": total,
            "active_trials": counts["active"],
            "expired_trials": counts["expired"],
            "converted_trials": counts["converted"],
            "conversion_rate": _share(counts["converted"], total),
            "usage_statistics": {
                "total_requests": requests,
                "total_tokens": tokens,
                "total_credits_used": usd_float(spent),
            },
            "average_usage_per_trial": {
                "requests": _mean(requests, total),
                "tokens": _mean(tokens, total),
                "credits": usd_float(round(spent / total)) if total else 0.0,
            },
            "trial_status_breakdown": counts,
        }

    def users(self, query: UsersQuery) -> dict[str, Any]:
        """Return a page of accounts (24.8.2)."""
        wanted = [one for one in self._seen if query.status in ("all", one.status)]
        wanted.sort(key=lambda one: one.account.user_id)
        wanted.sort(key=_sort_key(query.sort_by), reverse=query.sort_order == "desc")
        page = wanted[query.offset : query.offset + query.limit]
        return {
            "users": [self._user(one) for one in page],
            "pagination": {
                "total": len(wanted),
                "limit": query.limit,
                "offset": query.offset,
                "has_more": query.offset + len(page) < len(wanted),
            },
        }

    def domains(self) -> dict[str, Any]:
        """Return figures for each mail domain, most users first, and the suspicious ones (24.8.3)."""
        by_domain: dict[str, list[_Seen]] = defaultdict(list)
        for one in self._seen:
            by_domain[one.domain].append(one)
        shown = [_domain(name, seen) for name, seen in by_domain.items()]
        shown.sort(key=lambda domain: (-domain["total_users"], domain["domain"]))
        return {
            "domains": shown,
            "suspicious_domains": [domain["domain"] for domain in shown if domain["flagged"]],
        }

    def funnel(self) -> dict[str, Any]:
        """Return how far trials went (24.8.4); onboarding is complete with the first key."""
        converted = [one for one in self._seen if one.status == "converted"]
        requests = [one.requests_at_conversion for one in converted]
        tokens = [one.tokens_at_conversion for one in converted]
        steps = {name: sum(one.account.requests >= least for one in self._seen) for name, least in _STEPS}
        return {
            "total_trials_started": len(self._seen),
            "completed_onboarding": sum(one.account.key_id is not None for one in self._seen),
            **steps,
            "converted_to_paid": len(converted),
            "conversion_breakdown": {
                "converted_before_10_requests": sum(n < 10 for n in requests),
                "converted_between_10_50_requests": sum(10 <= n < 50 for n in requests),
                "converted_between_50_100_requests": sum(50 <= n < 100 for n in requests),
                "converted_after_100_requests": sum(n >= 100 for n in requests),
            },
            "avg_requests_at_conversion": _mean(sum(requests), len(requests)),
            "median_requests_at_conversion": median(requests) if requests else 0,
            "avg_tokens_at_conversion": _mean(sum(tokens), len(tokens)),
            "median_tokens_at_conversion": median(tokens) if tokens else 0,
        }

    def cohorts(self) -> list[dict[str, Any]]:
        """Return figures for the weeks in which trials began, newest first; a week is named by its Monday."""
        by_week: dict[str, list[_Seen]] = defaultdict(list)
        for one in self._seen:
            by_week[(one.started_at - DAY * one.started_at.weekday()).date().isoformat()].append(one)
        return [{"week": week, **_group(by_week[week])} for week in sorted(by_week, reverse=True)]

    def addresses(self) -> list[dict[str, Any]]:
        """Return figures for each address that trials were started from, most users first."""
        by_address: dict[str, list[_Seen]] = defaultdict(list)
        for one in self._seen:
            if one.account.trial is not None and one.account.trial.signup_ip is not None:
                by_address[one.account.trial.signup_ip].append(one)
        shown = [{"ip": address, **_group(seen)} for address, seen in by_address.items()]
        return sorted(shown, key=lambda entry: (-entry["total_users"], entry["ip"]))

    def _user(self, one: _Seen) -> dict[str, Any]:
        account, trial = one.account, one.account.trial
        preview = None
        if account.key_last_four is not None and account.environment_tag is not None:
            preview = masked_key(account.environment_tag, account.key_last_four)
        remaining = max(0.0, (one.ends_at - self._now) / DAY) if one.status == "active" else 0.0
        return {
            "user_id": account.user_id,
            "email": account.email,
            "email_domain": one.domain,
            "api_key_id": account.key_id,
            "api_key_preview": preview,
            "is_trial": one.status in ("active", "expired"),
            "trial_start_date": one.started_at.isoformat(),
            "trial_end_date": one.ends_at.isoformat(),
            "trial_status": one.status,
            "trial_days_remaining": round(remaining, 4),
            "trial_used_tokens": account.tokens,
            "trial_max_tokens": one.max_tokens,
            "trial_token_utilization": _share(account.tokens, one.max_tokens),
            "trial_used_requests": account.requests,
            "trial_max_requests": one.max_requests,
            "trial_request_utilization": _share(account.requests, one.max_requests),
            "trial_used_credits": usd_float(account.spent),
            "trial_allocated_credits": usd_float(one.credits),
            "trial_credit_utilization": _share(account.spent, one.credits),
            "trial_converted": one.status == "converted",
            "conversion_date": None if trial is None else _text(trial.converted_at),
            "requests_at_conversion": None if trial is None else trial.requests_at_conversion,
            "tokens_at_conversion": None if trial is None else trial.tokens_at_conversion,
            "created_at": account.created_at.isoformat(),
            "signup_ip": None if trial is None else trial.signup_ip,
            "last_request_at": _text(account.last_request_at),
        }


def report(accounts: Iterable[TrialAccount], rules: TrialRules, now: datetime) -> TrialReport:
    """Return the report; accounts whose trial has no row of its own are counted by the rules of today."""
    return TrialReport([_seen(account, rules, now) for account in accounts], now)


def _seen(account: TrialAccount, rules: TrialRules, now: datetime) -> _Seen:
    trial = account.trial
    return _Seen(
        account=account,
        status=status_of(account.trial_ends_at, trial, now),
        started_at=account.created_at if trial is None else trial.started_at,
        ends_at=account.trial_ends_at or (account.created_at if trial is None else trial.ends_at),
        max_tokens=rules.tokens if trial is None else trial.max_tokens,
        max_requests=rules.requests if trial is None else trial.max_requests,
        credits=nano_from_usd(str(rules.credits)) if trial is None else trial.credits,
    )


def _by_status(seen: Sequence[_Seen]) -> dict[str, int]:
    states = [one.status for one in seen]
    return {name: states.count(name) for name in ("active", "expired", "converted")}


def _sums(seen: Sequence[_Seen]) -> tuple[int, int, int]:
    accounts = [one.account for one in seen]
    return sum(a.requests for a in accounts), sum(a.tokens for a in accounts), sum(a.spent for a in accounts)


def _group(seen: Sequence[_Seen]) -> dict[str, Any]:
    counts = _by_status(seen)
    requests, tokens, spent = _sums(seen)
    return {
        "total_users": len(seen),
        "active_trials": counts["active"],
        "expired_trials": counts["expired"],
        "converted_trials": counts["converted"],
        "conversion_rate": _share(counts["converted"], len(seen)),
        "total_requests": requests,
        "total_tokens": tokens,
        "total_credits_used": usd_float(spent),
    }


def _domain(name: str, seen: Sequence[_Seen]) -> dict[str, Any]:
    group = _group(seen)
    score = _abuse_score(seen, group["conversion_rate"])
    return {
        "domain": name,
        **group,
        "avg_requests_per_user": _mean(group["total_requests"], len(seen)),
        "avg_tokens_per_user": _mean(group["total_tokens"], len(seen)),
        "abuse_score": score,
        "flagged": score > _FLAGGED,
    }


def _abuse_score(seen: Sequence[_Seen], conversion_rate: float) -> float:
    """Return how much a domain looks like one person with many trials, from 0 to 10.

    Half comes from how many accounts there are beyond the first (five reach it), half from how much
    of their credit they used; both shrink as accounts turn into customers, and for mail providers.
    """
    crowd = min(1.0, (len(seen) - 1) / 4)
    given = sum(one.credits for one in seen)
    used = min(1.0, sum(one.account.spent for one in seen) / given) if given else 0.0
    dilution = min(1.0, _MAIL_PROVIDERS / len(seen))
    return round((5 * crowd + 5 * crowd * used) * (1 - conversion_rate) * dilution, 2)


def _sort_key(name: str) -> Callable[[_Seen], Any]:
    keys: dict[str, Callable[[_Seen], Any]] = {
        "created_at": lambda one: one.account.created_at,
        "trial_end_date": lambda one: one.ends_at,
        "requests": lambda one: one.account.requests,
        "tokens": lambda one: one.account.tokens,
        "credits": lambda one: one.account.spent,
        "email": lambda one: one.account.email.casefold(),
    }
    return keys[name]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _mean(total: int, count: int) -> float:
    return round(total / count, 2) if count else 0.0


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
