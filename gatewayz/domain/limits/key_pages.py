"""Limits of keys: what is chosen, what is enforced, what is used. Source: spec 03 §5."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gatewayz.config.sections.limits import LimitProfile
from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.domain.identity.accounts import Accounts, KeyEdits, is_in_force
from gatewayz.domain.identity.caller import KeyLimits
from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.identity.mail_domains import MailKind
from gatewayz.domain.limits.bounds import Bound, Usage
from gatewayz.domain.limits.limit_values import LimitsBody, LimitValues
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.domain.limits.profiles import WINDOWS_MS, profile_of, window_bound
from gatewayz.domain.plans.plans import Plan
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.store.ports import KeyStore
from gatewayz.store.records import ApiKey

__all__ = ["LimitPages"]

_UNITS: Final = ("requests", "tokens")


class LimitPages:
    """The limits of one user's keys.

    :param mail: what is odd about the user's mail domain.
    """

    def __init__(
        self,
        accounts: Accounts,
        keys: KeyStore,
        limiter: Limiter,
        rules: LimitRules,
        *,
        plan: Plan,
        user_id: int,
        mail: MailKind | None = None,
    ) -> None:
        self._accounts = accounts
        self._keys = keys
        self._limiter = limiter
        self._rules = rules
        self._plan = plan
        self._user_id = user_id
        self._mail = mail

    async def show_all(self) -> list[dict[str, Any]]:
        """Show every key with its limits and what is used of them."""
        return await self._shown(await self._mine())

    async def show(self, key_id: int) -> dict[str, Any]:
        """Show one key with its limits and what is used of them. Raises ResourceNotFound."""
        return (await self._shown([await self._find(key_id)]))[0]

    async def reset(self, key_id: int, actor: str) -> dict[str, Any]:
        """Forget the limits set for a key, so that the plan's hold; return those. Raises ResourceNotFound."""
        key = await self._find(key_id)
        changed = await self._accounts.update_key(
            self._user_id, key.id, KeyEdits(limits=KeyLimits()), actor=actor, maker=None
        )
        return _config(self._profile(changed))

    async def usage(self, key_id: int, window: str) -> dict[str, Any]:
        """Show one window of a key. Raises ResourceNotFound."""
        key = await self._find(key_id)
        profile = self._profile(key)
        bounds = _windows(key.id, window, profile)
        return {
            "key_id": key.id,
            "key_name": key.name,
            "time_window": window,
            "usage_stats": _usage_stats(bounds, await self._limiter.usage(bounds)),
            "rate_limit_config": _config(profile),
        }

    async def change(self, key_id: int, body: LimitsBody, actor: str) -> dict[str, Any]:
        """Set limits of a key, never above the plan's; return those now enforced. Raises ResourceNotFound."""
        return await self._change(await self._find(key_id), _chosen(body), actor)

    async def change_all(self, body: LimitsBody, actor: str) -> tuple[int, dict[str, Any]]:
        """Set limits of every key; return how many, and the limits now enforced."""
        chosen, config, keys = _chosen(body), {}, await self._mine()
        for key in keys:
            config = await self._change(key, chosen, actor)
        return len(keys), config

    async def _change(self, key: ApiKey, chosen: Mapping[str, int], actor: str) -> dict[str, Any]:
        ceiling = msgspec.structs.asdict(profile_of(KeyLimits(), self._plan, self._rules, self._mail))
        clamped = {name: min(value, ceiling[name]) for name, value in chosen.items()}
        limits = msgspec.convert({**key.limits, **clamped}, KeyLimits)
        edits = KeyEdits(limits=limits)
        changed = await self._accounts.update_key(self._user_id, key.id, edits, actor=actor, maker=None)
        return _config(self._profile(changed))

    async def _find(self, key_id: int) -> ApiKey:
        key = await self._keys.find_key(self._user_id, key_id)
        if key is None or key.revoked_at is not None:
            raise ResourceNotFound("There is no such key.", param="key_id")
        return key

    async def _mine(self) -> list[ApiKey]:
        return [key for key in await self._keys.list_keys(self._user_id, limit=1000) if is_in_force(key)]

    def _profile(self, key: ApiKey) -> LimitProfile:
        return profile_of(msgspec.convert(dict(key.limits), KeyLimits), self._plan, self._rules, self._mail)

    async def _shown(self, keys: list[ApiKey]) -> list[dict[str, Any]]:
        """Show keys; what is used of all their windows is asked for at once."""
        profiles = [self._profile(key) for key in keys]
        windows = [
            {window: _windows(key.id, window, profile) for window in WINDOWS_MS}
            for key, profile in zip(keys, profiles, strict=True)
        ]
        used = iter(await self._limiter.usage(tuple(bound for of in windows for pair in of.values() for bound in pair)))
        return [
            self._entry(key, profile, {window: _usage_stats(pair, used) for window, pair in of.items()})
            for key, profile, of in zip(keys, profiles, windows, strict=True)
        ]

    def _entry(self, key: ApiKey, profile: LimitProfile, used: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        is_limited = any(not stats[f"{unit}_remaining"] for stats in used.values() for unit in _UNITS)
        return {
            "key_id": key.id,
            "api_key": masked_key(key.environment_tag, key.sealed.last_four),
            "key_name": key.name,
            "environment_tag": key.environment_tag,
            "rate_limit_config": _config(profile),
            "usage_stats": used,
            "current_status": {"is_rate_limited": is_limited, "counted_here_only": self._limiter.is_degraded},
        }


def _windows(key_id: int, window: str, profile: LimitProfile) -> tuple[Bound, ...]:
    return tuple(window_bound(key_id, unit, window, getattr(profile, f"{unit}_per_{window}")) for unit in _UNITS)


def _usage_stats(bounds: tuple[Bound, ...], used: Iterable[Usage]) -> dict[str, int]:
    """Return what was used of the windows of `_windows`, and what remains."""
    shown: dict[str, int] = {}
    for unit, bound, usage in zip(_UNITS, bounds, used, strict=False):
        shown |= {unit: usage.used, f"{unit}_remaining": max(0, bound.limit - usage.used)}
    return shown


def _chosen(body: LimitsBody) -> dict[str, int]:
    values = body.rate_limits if body.rate_limits is not None else body
    chosen = {name: getattr(values, name) for name in LimitValues.__struct_fields__}
    given = {name: value for name, value in chosen.items() if value is not None}
    if not given:
        raise InvalidRequest(f"Send at least one of {', '.join(chosen)}.", param="requests_per_minute")
    return given


def _config(profile: LimitProfile) -> dict[str, Any]:
    values = msgspec.structs.asdict(profile)
    burst, concurrency = values.pop("burst"), values.pop("concurrency")
    return {**values, "burst_limit": burst, "concurrency_limit": concurrency}
