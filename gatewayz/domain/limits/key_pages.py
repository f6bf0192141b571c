"""Limits of keys: what is chosen, what is enforced, what is used. Source: spec 03 §5."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatewayz.config.sections.limits import LimitProfile
from gatewayz.config.sections.limits import Limits as LimitRules
from gatewayz.domain.identity.accounts import Accounts, KeyEdits, is_in_force
from gatewayz.domain.identity.caller import KeyLimits
from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.identity.mail_domains import MailKind
from gatewayz.domain.limits.limit_values import LimitsBody, LimitValues
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.domain.limits.profiles import WINDOWS_MS, profile_of, window_bound
from gatewayz.domain.plans.plans import Plan
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.store.ports import KeyStore
from gatewayz.store.records import ApiKey

__all__ = ["LimitPages"]


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
        return [self._shown(key) for key in await self._mine()]

    async def show(self, key_id: int) -> dict[str, Any]:
        """Show one key with its limits and what is used of them. Raises ResourceNotFound."""
        return self._shown(await self._find(key_id))

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
        return {
            "key_id": key.id,
            "key_name": key.name,
            "time_window": window,
            "usage_stats": self._used(key.id, window, profile),
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

    def _shown(self, key: ApiKey) -> dict[str, Any]:
        profile = self._profile(key)
        windows = {window: self._used(key.id, window, profile) for window in WINDOWS_MS}
        is_limited = any(not used[f"{unit}_remaining"] for used in windows.values() for unit in ("requests", "tokens"))
        masked = masked_key(key.environment_tag, key.sealed.last_four)
        return {
            "key_id": key.id,
            "api_key": masked,
            "key_name": key.name,
            "environment_tag": key.environment_tag,
            "rate_limit_config": _config(profile),
            "usage_stats": windows,
            "current_status": {"is_rate_limited": is_limited, "counted_here_only": self._limiter.is_degraded},
        }

    def _used(self, key_id: int, window: str, profile: LimitProfile) -> dict[str, int]:
        """Return what this process counted."""
        shown: dict[str, int] = {}
        for unit in ("requests", "tokens"):
            limit = getattr(profile, f"{unit}_per_{window}")
            used = self._limiter.usage(window_bound(key_id, unit, window, limit)).used
            shown |= {unit: used, f"{unit}_remaining": max(0, limit - used)}
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
