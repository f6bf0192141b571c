"""The limits of one configuration: what a call takes before it is made, and what its caller is told."""

from collections.abc import Callable
from typing import Final

from gatewayz.config.sections.access import MailDomains
from gatewayz.config.sections.limits import LimitProfile
from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.identity.mail_domains import kind_of_mail
from gatewayz.domain.limits.bounds import DAY_MS, Bound, Refused
from gatewayz.domain.limits.limiter import Lease, Limiter
from gatewayz.domain.limits.profiles import key_bounds, plan_bounds, profile_of
from gatewayz.domain.plans.plans import Plan
from gatewayz.sdk.errors import PermissionRefused, RateLimited
from gatewayz.sdk.wire import Headers

__all__ = ["AnonymousModelRefused", "Limits"]

_PLAN_NAMES: Final = frozenset(("daily_requests", "monthly_requests", "daily_tokens", "monthly_tokens"))
_KEPT: Final = 10_000
"""Callers whose bounds are kept ready."""


_NO_DOMAINS: Final = MailDomains()


class AnonymousModelRefused(PermissionRefused):
    """Without a key only some models may be called."""

    type = "model_not_allowed"
    default_code = "anonymous_model_restricted"


class Limits:
    """Takes limits for callers. Counts outlive the configuration: they are the limiter's.

    :param rules: the section `limits`.
    :param domains: mail domains whose accounts have a profile of their own.
    :param observe: shown what each call took; returns at once.
    """

    def __init__(
        self,
        rules: LimitRules,
        limiter: Limiter,
        domains: MailDomains = _NO_DOMAINS,
        observe: Callable[[Caller, Lease], None] | None = None,
    ) -> None:
        self.rules = rules
        self.limiter = limiter
        self._domains = domains
        self._observe = observe
        self._anonymous_models = frozenset(rules.anonymous.models)
        self._bounds: dict[int, tuple[Caller, Plan, tuple[Bound, ...]]] = {}
        self._lasting: dict[int, tuple[tuple[Bound, ...], Headers]] = {}

    def profile(self, caller: Caller, plan: Plan) -> LimitProfile:
        """Return the limits that are enforced for a caller's key."""
        mail = kind_of_mail(caller.email, self._domains, is_suspect=caller.is_suspect)
        return profile_of(caller.limits, plan, self.rules, mail)

    async def admit(self, caller: Caller, plan: Plan, tokens: int) -> Lease | None:
        """Take one call of likely so many tokens; None for those above every limit. Raises RateLimited (429)."""
        if caller.key_id is None or plan.is_unlimited:
            return None
        taken = await self.limiter.take(self._bounds_of(caller, caller.key_id, plan), tokens)
        if isinstance(taken, Lease):
            if self._observe is not None:
                self._observe(caller, taken)
            return taken
        raise self._refusal(*taken)

    async def admit_anonymous(self, address: str, model: str) -> None:
        """Take one of the day's calls of an address. Raises AnonymousModelRefused (403), RateLimited (429)."""
        rules = self.rules.anonymous
        if model not in self._anonymous_models:
            raise AnonymousModelRefused(
                f"Without an API key the model '{model[:128]}' cannot be called.",
                param="model",
                context={"allowed_models": list(rules.models[:5])},
                suggestions=("Send an API key.", "Use one of the allowed models."),
            )
        bound = Bound(name="anonymous_daily", key=f"a{address}", limit=rules.requests_per_day, slot_ms=DAY_MS, slots=1)
        taken = await self.limiter.take((bound,))
        if not isinstance(taken, Lease):
            raise RateLimited(
                f"Without an API key {bound.limit} calls a day can be made from one address.",
                code="anonymous_daily_limit",
                context={"limit_type": bound.name, "limit": bound.limit},
                retry_after_s=_seconds(taken[1].wait_ms),
            )

    async def take_endpoint(self, name: str, subject: str) -> None:
        """Take one call of an endpoint's limit for an address, user or key. Raises RateLimited (429).

        Source: spec 00 §5.5.
        """
        rule = self.rules.endpoints[name]
        slot_ms = max(1, round(rule.window_s * 1000) // 20)
        bound = Bound(name=name, key=f"e{name}:{subject}", limit=rule.requests, slot_ms=slot_ms)
        taken = await self.limiter.take((bound,))
        if not isinstance(taken, Lease):
            raise RateLimited(
                f"This endpoint takes {rule.requests} calls in {rule.window_s:g} seconds.",
                context={"limit_type": "endpoint_rate_limit", "limit": rule.requests},
                retry_after_s=_seconds(taken[1].wait_ms),
            )

    def headers(self, lease: Lease) -> Headers:
        """Return the headers of an answer. Source: spec 00 §5.6.

        Positions are those of `profiles.key_bounds`: what is left of the minute of a key.
        """
        bounds, granted = lease.bounds, lease.granted
        requests, tokens = 2, 5
        now_s = granted.at_ms // 1000
        reset_s = _seconds(granted.reset_ms[requests])
        left = b"%d" % max(0, granted.remaining[requests])
        return [
            *self._lasting_headers(bounds),
            (b"ratelimit-remaining", left),
            (b"ratelimit-reset", b"%d" % reset_s),
            (b"x-ratelimit-remaining-requests", left),
            (b"x-ratelimit-reset-requests", b"%d" % (now_s + reset_s)),
            (b"x-ratelimit-remaining-tokens", b"%d" % max(0, granted.remaining[tokens])),
            (b"x-ratelimit-reset-tokens", b"%d" % (now_s + _seconds(granted.reset_ms[tokens]))),
        ]

    def _lasting_headers(self, bounds: tuple[Bound, ...]) -> Headers:
        """Return those that are the same for every answer to a caller."""
        kept = self._lasting.get(id(bounds))
        if kept is not None and kept[0] is bounds:
            return kept[1]
        burst, requests, tokens = bounds[1], bounds[2], bounds[5]
        headers = [
            (b"ratelimit-limit", b"%d" % requests.limit),
            (b"x-ratelimit-limit-requests", b"%d" % requests.limit),
            (b"x-ratelimit-limit-tokens", b"%d" % tokens.limit),
            (b"x-ratelimit-burst-window", f"{burst.limit} per {burst.period_ms / 1000:g} seconds".encode()),
        ]
        if len(self._lasting) >= _KEPT:
            self._lasting.clear()
        self._lasting[id(bounds)] = bounds, headers
        return headers

    def _bounds_of(self, caller: Caller, key_id: int, plan: Plan) -> tuple[Bound, ...]:
        kept = self._bounds.get(key_id)
        if kept is not None and kept[0] is caller and kept[1] is plan:
            return kept[2]
        lease_s = self.rules.lease_s
        bounds = key_bounds(key_id, self.profile(caller, plan), lease_s) + plan_bounds(caller, plan, lease_s)
        if len(self._bounds) >= _KEPT:
            self._bounds.clear()
        self._bounds[key_id] = (caller, plan, bounds)
        return bounds

    def _refusal(self, bound: Bound, refused: Refused) -> RateLimited:
        wait_s = _seconds(refused.wait_ms)
        reset = str(int(refused.at_ms / 1000 + wait_s))
        kind = "Tokens" if bound.counts_tokens else "Requests"
        headers = {
            "RateLimit-Limit": str(bound.limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(wait_s),
            f"X-RateLimit-Limit-{kind}": str(bound.limit),
            f"X-RateLimit-Remaining-{kind}": "0",
            f"X-RateLimit-Reset-{kind}": reset,
        }
        is_plan = bound.name in _PLAN_NAMES
        whose = "plan" if is_plan else "key"
        return RateLimited(
            f"The limit {bound.name} of your {whose} is reached ({bound.limit}); try again in {wait_s} s.",
            code="PLAN_LIMIT_REACHED" if is_plan else None,
            context={"limit_type": bound.name, "limit": bound.limit},
            retry_after_s=wait_s,
            headers=headers,
        )


def _seconds(wait_ms: int) -> int:
    return max(1, -(-wait_ms // 1000))
