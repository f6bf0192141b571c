"""Users and keys as an operator or their owner changes them. No HTTP.

What is asked for is checked here once, for the command line and for the API alike.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, get_args

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.domain.identity.caller import NO_LIMITS, Caller, EnvironmentTag, KeyLimits
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.identity.restrictions import parse_domains, parse_networks
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, PermissionRefused, ResourceNotFound
from gatewayz.sdk.secret import Secret
from gatewayz.store.ports import AccountStore, KeyStore
from gatewayz.store.records import ApiKey, KeyChanges, KeyQuota, NewKey, NewUser, Sealed, User

__all__ = ["DEFAULT_SCOPES", "Accounts", "CreatedKey", "KeyEdits", "KeyRequest", "is_in_force"]

DEFAULT_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {"read": ("*",), "write": ("*",), "admin": ("*",)}
"""Written out for a key that asks for nothing else. Source: spec 00 §3."""
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,252}\.[^\s@.\x00-\x1f\x7f]{2,63}")
_NAME_LIMIT: Final = 200
_BATCH: Final = 200
_KEYS_PER_WINDOW: Final = 10
_KEY_WINDOW_S: Final = 3600.0
"""Keys that one user makes by themself. Source: spec 03 §4."""
_MAX_REQUESTS_LIMIT: Final = 2**53


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key shall be like."""

    name: str
    environment_tag: str = "live"
    scopes: Mapping[str, Sequence[str]] | None = None
    """None writes `DEFAULT_SCOPES`, cut to what the maker has."""
    expires_in_days: int | None = None
    max_requests: int | None = None
    ip_allowlist: Sequence[str] = ()
    domain_referrers: Sequence[str] = ()
    limits: KeyLimits = NO_LIMITS


class KeyEdits(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a key; what is UNSET stays."""

    name: str | UnsetType = UNSET
    scopes: Mapping[str, Sequence[str]] | UnsetType = UNSET
    expires_in_days: int | UnsetType | None = UNSET
    max_requests: int | UnsetType | None = UNSET
    ip_allowlist: Sequence[str] | UnsetType = UNSET
    domain_referrers: Sequence[str] | UnsetType = UNSET
    limits: KeyLimits | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class CreatedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key and its text, at the only moment the text is at hand."""

    key: ApiKey
    text: Secret


class Accounts:
    """The service."""

    def __init__(self, users: AccountStore, keys: KeyStore, vault: KeyVault, clock: Clock) -> None:
        self._users = users
        self._keys = keys
        self._vault = vault
        self._clock = clock

    async def create_user(
        self, email: str, *, role: str = "user", plan: str | None = None, trial_days: float | None = None
    ) -> User:
        """Make a user.

        :param trial_days: length of the trial from now; 0 is one that is over; None is no trial.
        Raises InvalidRequest for an address that is none, Conflict for a taken one.
        """
        address = email.strip()
        if _EMAIL.fullmatch(address) is None:
            raise InvalidRequest("This is not an e-mail address.", param="email")
        now = self._clock.now()
        trial_ends_at = None if trial_days is None else now + timedelta(days=trial_days)
        return await self._users.add_user(
            NewUser(email=address, role=role, plan=plan, trial_ends_at=trial_ends_at), now
        )

    async def create_key(self, user_id: int, request: KeyRequest, *, actor: str, maker: Caller | None) -> CreatedKey:
        """Make a key; the first one of a user is its primary key.

        :param maker: whose scopes bound the new key's; None for the operator.
        Raises InvalidRequest, PermissionRefused (scopes beyond the maker's), Conflict (name taken),
        ResourceNotFound (no such user), RateLimited (a maker that has made ten within the hour).
        """
        tag = _environment_tag(request.environment_tag)
        scopes = _default_scopes(maker) if request.scopes is None else _checked_scopes(request.scopes, maker)
        minted = self._vault.mint(tag)
        key = NewKey(
            user_id=user_id,
            name=_checked_name(request.name),
            environment_tag=tag,
            sealed=minted.sealed,
            expires_at=self._expiry(request.expires_in_days),
            max_requests=_at_least_one(request.max_requests, "max_requests"),
            ip_allowlist=_networks(request.ip_allowlist),
            domain_referrers=parse_domains(request.domain_referrers),
            scopes=scopes,
            limits=_set_limits(request.limits),
        )
        now = self._clock.now()
        quota = None
        if maker is not None:
            since = now - timedelta(seconds=_KEY_WINDOW_S)
            quota = KeyQuota(count=_KEYS_PER_WINDOW, since=since, window_s=_KEY_WINDOW_S)
        return CreatedKey(key=await self._keys.add_key(key, actor, now, quota), text=minted.text)

    async def list_keys(self, user_id: int, *, after: int = 0, limit: int = 100) -> Sequence[ApiKey]:
        """Return a user's keys with ids above `after`, in order of id."""
        return await self._keys.list_keys(user_id, after=after, limit=limit)

    async def update_key(
        self, user_id: int, key_id: int, edits: KeyEdits, *, actor: str, maker: Caller | None
    ) -> ApiKey:
        """Change a key. Raises as `create_key`; ResourceNotFound when the user has none by that id."""
        changes = KeyChanges(
            name=UNSET if edits.name is UNSET else _checked_name(edits.name),
            scopes=UNSET if edits.scopes is UNSET else _checked_scopes(edits.scopes, maker),
            expires_at=UNSET if edits.expires_in_days is UNSET else self._expiry(edits.expires_in_days),
            max_requests=UNSET if edits.max_requests is UNSET else _at_least_one(edits.max_requests, "max_requests"),
            ip_allowlist=UNSET if edits.ip_allowlist is UNSET else _networks(edits.ip_allowlist),
            domain_referrers=UNSET if edits.domain_referrers is UNSET else parse_domains(edits.domain_referrers),
            limits=UNSET if edits.limits is UNSET else _set_limits(edits.limits),
            is_active=edits.is_active,
        )
        return await self._change(user_id, key_id, changes, action="update", actor=actor)

    async def revoke_key(self, user_id: int, key_id: int, *, actor: str) -> ApiKey:
        """Put a key out of force for good; every process refuses it within a second. Raises ResourceNotFound."""
        changes = KeyChanges(is_active=False, is_primary=False, revoked_at=self._clock.now())
        return await self._change(user_id, key_id, changes, action="revoke", actor=actor)

    async def delete_key(self, user_id: int, key_id: int, *, actor: str) -> ApiKey:
        """Revoke a key and give its name free. Raises ResourceNotFound, InvalidRequest for the last active one."""
        active = [key for key in await self._keys.list_keys(user_id, limit=_BATCH) if is_in_force(key)]
        key = await self._find_key(user_id, key_id)
        if [each.id for each in active] == [key.id]:
            raise InvalidRequest("This is your last active key; make another one first.", param="key_id")
        changes = KeyChanges(
            name=f"{key.name[: _NAME_LIMIT - 40]} (deleted {key.id})",
            is_active=False,
            is_primary=False,
            revoked_at=self._clock.now(),
        )
        return await self._change(user_id, key_id, changes, action="delete", actor=actor)

    async def replace_secret(
        self, user_id: int, key_id: int, *, actor: str, maker: Caller | None = None, action: str = "rotate"
    ) -> CreatedKey:
        """Give a key another text; the old one stops within a second.

        :param maker: who will hold the new text and so must have the scopes that come with it; None for the operator.
        Raises ResourceNotFound, PermissionRefused.
        """
        key = await self._find_key(user_id, key_id)
        if maker is not None and maker.key_id != key.id:
            _checked_scopes(key.scopes, maker)
        minted = self._vault.mint(_environment_tag(key.environment_tag))
        changed = await self._change(user_id, key_id, KeyChanges(sealed=minted.sealed), action=action, actor=actor)
        return CreatedKey(key=changed, text=minted.text)

    async def reveal_key(self, user_id: int, key_id: int) -> Secret:
        """Return the text of a key. Raises ResourceNotFound, KeyUnreadable."""
        key = await self._keys.find_key(user_id, key_id)
        if key is None:
            raise _no_key()
        return self._vault.open(key.sealed)

    async def reencrypt_keys(self) -> int:
        """Bring every ciphertext to the keyring's current version; return how many were changed.

        Safe to stop and to run again, beside a serving gateway. Raises KeyUnreadable when a version
        that is still in use has left the keyring.
        """
        changed = after = 0
        while page := await self._keys.list_sealed_before(self._vault.version, after=after, limit=_BATCH):
            resealed: dict[int, tuple[Sealed, Sealed]] = {
                key_id: (sealed, self._vault.reseal(sealed)) for key_id, sealed in page
            }
            changed += await self._keys.reseal(resealed)
            after = page[-1][0]
        return changed

    async def _find_key(self, user_id: int, key_id: int) -> ApiKey:
        key = await self._keys.find_key(user_id, key_id)
        if key is None or key.revoked_at is not None:
            raise _no_key()
        return key

    async def _change(self, user_id: int, key_id: int, changes: KeyChanges, *, action: str, actor: str) -> ApiKey:
        key = await self._keys.update_key(user_id, key_id, changes, action=action, actor=actor, now=self._clock.now())
        if key is None:
            raise _no_key()
        return key

    def _expiry(self, days: int | None) -> datetime | None:
        days = _at_least_one(days, "expiration_days", limit=36_500)
        return None if days is None else self._clock.now() + timedelta(days=days)


def is_in_force(key: ApiKey) -> bool:
    """Return whether a key has been neither revoked nor switched off."""
    return key.revoked_at is None and key.is_active


def _no_key() -> ResourceNotFound:
    return ResourceNotFound("There is no such key.", param="key_id")


def _environment_tag(tag: str) -> EnvironmentTag:
    try:
        checked: EnvironmentTag = msgspec.convert(tag, EnvironmentTag)
    except msgspec.ValidationError as err:
        allowed = get_args(EnvironmentTag)
        raise InvalidRequest(
            f"environment_tag is one of {', '.join(allowed)}.",
            param="environment_tag",
            context={"allowed_values": list(allowed)},
        ) from err
    return checked


def _checked_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= _NAME_LIMIT or not stripped.isprintable():
        raise InvalidRequest(f"A key's name has 1 to {_NAME_LIMIT} printable characters.", param="key_name")
    return stripped


def _at_least_one(value: int | None, param: str, *, limit: int = _MAX_REQUESTS_LIMIT) -> int | None:
    if value is not None and not 1 <= value <= limit:
        raise InvalidRequest(
            f"{param} is a whole number from 1 to {limit}.",
            code="PARAMETER_OUT_OF_RANGE",
            param=param,
            context={"min_value": 1, "max_value": limit},
        )
    return value


def _networks(entries: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(network) for network in parse_networks(entries))


def _set_limits(limits: KeyLimits) -> dict[str, int]:
    values = {name: value for name, value in msgspec.structs.asdict(limits).items() if value is not None}
    for name, value in values.items():
        if not 0 <= value <= _MAX_REQUESTS_LIMIT:
            raise InvalidRequest(f"{name} is not below 0.", code="PARAMETER_OUT_OF_RANGE", param=name)
    return values


def _default_scopes(maker: Caller | None) -> Mapping[str, Sequence[str]]:
    if maker is None:
        return DEFAULT_SCOPES
    return {action: maker.scopes[action] for action in DEFAULT_SCOPES if maker.scopes.get(action)}


def _checked_scopes(scopes: Mapping[str, Sequence[str]], maker: Caller | None) -> Mapping[str, Sequence[str]]:
    """Return the scopes. Raises PermissionRefused for one the maker does not have: a key cannot widen itself."""
    for action, resources in scopes.items():
        if action not in DEFAULT_SCOPES:
            allowed = list(DEFAULT_SCOPES)
            raise InvalidRequest(
                f"Scopes are named {', '.join(allowed)}.",
                param="scope_permissions",
                context={"allowed_values": allowed},
            )
        for resource in resources:
            if maker is not None and not maker.may(action, resource):
                raise PermissionRefused(
                    f"Your own key does not have the scope {action}:{resource[:64]}.", param="scope_permissions"
                )
    return {action: tuple(resources) for action, resources in scopes.items()}
