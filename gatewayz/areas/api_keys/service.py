"""A user's keys, as their owner sees and changes them. Source: spec 03 §4."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.areas.api_keys.schema import AuditQuery, KeyDeletion, KeyUpdate, NewKeyBody
from gatewayz.domain.identity.accounts import Accounts, CreatedKey, KeyEdits, KeyRequest, is_in_force
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.identity.keys import masked_key
from gatewayz.sdk.errors import Conflict, InvalidRequest, PermissionRefused
from gatewayz.store.ports import KeyStore
from gatewayz.store.records import ApiKey, AuditEntry, AuditFilter

__all__ = ["KeyPages", "show_key"]

LIMIT: Final = 1000
"""Keys shown at once."""
_CONFIRMATIONS: Final = ("DELETE_KEY", "DELETE")


@contextmanager
def _taken_name_as_400() -> Iterator[None]:
    """Answer a taken name as the interface has it: a bad request. Source: spec 03 §4."""
    try:
        yield
    except Conflict as err:
        if err.param != "key_name":
            raise
        raise InvalidRequest(str(err), param="key_name") from err


class KeyPages:
    """The answers of the key routes for one caller.

    :param now: the moment of the request.
    """

    def __init__(self, accounts: Accounts, keys: KeyStore, caller: Caller, user_id: int, now: datetime) -> None:
        self._accounts = accounts
        self._keys = keys
        self._caller = caller
        self._user_id = user_id
        self._now = now
        self._actor = f"user:{user_id}"

    async def create(self, body: NewKeyBody) -> dict[str, Any]:
        """Make a key; its text is in the answer."""
        self._require("write")
        request = KeyRequest(
            name=body.key_name,
            environment_tag=body.environment_tag,
            scopes=body.scope_permissions,
            expires_in_days=body.expiration_days,
            max_requests=body.max_requests,
            ip_allowlist=body.ip_allowlist or (),
            domain_referrers=body.domain_referrers or (),
        )
        with _taken_name_as_400():
            made = await self._accounts.create_key(self._user_id, request, actor=self._actor, maker=self._caller)
        return {
            "status": "success",
            "message": "The key has been made. Keep it: lists show it masked.",
            "api_key": made.text.reveal(),
            "key_id": made.key.id,
            "key_name": made.key.name,
            "environment_tag": made.key.environment_tag,
            "scope_permissions": made.key.scopes,
            "security_features": {
                "ip_allowlist": made.key.ip_allowlist,
                "domain_referrers": made.key.domain_referrers,
                "expiration_days": body.expiration_days,
                "max_requests": made.key.max_requests,
                "audit_logging": True,
                "last_used_tracking": True,
            },
            "timestamp": self._now,
        }

    async def list(self, *, reveal: bool) -> dict[str, Any]:
        """Show the keys that are not deleted, masked unless the primary key asks for their texts."""
        self._require("read")
        if reveal and not self._caller.is_primary:
            raise PermissionRefused("Only your primary key may reveal keys.", param="reveal")
        keys = await self._mine()
        shown = [show_key(key, self._now) for key in keys]
        if reveal:
            for item, key in zip(shown, keys, strict=True):
                item["api_key"] = (await self._accounts.reveal_key(self._user_id, key.id)).reveal()
        return {"status": "success", "total_keys": len(shown), "keys": shown, "timestamp": self._now}

    async def usage(self) -> dict[str, Any]:
        """Show how much each key has been used."""
        self._require("read")
        keys = await self._mine()
        return {
            "user_id": self._user_id,
            "total_keys": len(keys),
            "active_keys": sum(is_in_force(key) for key in keys),
            "keys": [{"key_id": key.id, **show_key(key, self._now)} for key in keys],
            "audit_logging": {"enabled": True, "total_logs": await self._keys.count_audit(self._user_id)},
            "timestamp": self._now,
        }

    async def audit(self, query: AuditQuery) -> dict[str, Any]:
        """Show what was done to the keys, newest first."""
        self._require("read")
        wanted = AuditFilter(
            key_id=query.key_id, action=query.action, since=_in_utc(query.start_date), until=_in_utc(query.end_date)
        )
        logs = [
            _show_entry(entry) for entry in await self._keys.list_audit(self._user_id, limit=query.limit, wanted=wanted)
        ]
        return {"status": "success", "total_logs": len(logs), "logs": logs, "timestamp": self._now}

    async def update(self, key_id: int, body: KeyUpdate) -> dict[str, Any]:
        """Change the key of the path, give it another text, or give every key another text."""
        self._require("write")
        match body.action:
            case "rotate":
                made = await self._accounts.replace_secret(self._user_id, key_id, actor=self._actor, maker=self._caller)
                return {
                    **self._updated("The key has a new text; the old one has stopped.", made.key),
                    "new_api_key": made.text.reveal(),
                }
            case "bulk_rotate":
                return await self._rotate_all(key_id, body.environment_tag)
            case "update":
                with _taken_name_as_400():
                    changed = await self._accounts.update_key(
                        self._user_id, key_id, _edits(body), actor=self._actor, maker=self._caller
                    )
                return self._updated("The key has been changed.", changed)

    async def delete(self, key_id: int, body: KeyDeletion) -> dict[str, Any]:
        """Put a key out of force for good."""
        self._require("write")
        if body.confirmation not in _CONFIRMATIONS:
            raise InvalidRequest("confirmation must be DELETE_KEY.", param="confirmation")
        await self._accounts.delete_key(self._user_id, key_id, actor=self._actor)
        return {
            "status": "success",
            "message": "The key has been deleted.",
            "deleted_key_id": key_id,
            "timestamp": self._now,
        }

    async def _rotate_all(self, key_id: int, environment_tag: str | None) -> dict[str, Any]:
        made: list[CreatedKey] = []
        for key in await self._mine():
            if is_in_force(key) and environment_tag in (None, key.environment_tag):
                made.append(
                    await self._accounts.replace_secret(
                        self._user_id, key.id, actor=self._actor, maker=self._caller, action="bulk_rotate"
                    )
                )
        named = next((each.key for each in made if each.key.id == key_id), None)
        return {
            **self._updated(f"{len(made)} keys have new texts.", named),
            "rotated_count": len(made),
            "new_keys": [
                {"key_id": each.key.id, "key_name": each.key.name, "new_api_key": each.text.reveal()} for each in made
            ],
        }

    async def _mine(self) -> Sequence[ApiKey]:
        keys = await self._keys.list_keys(self._user_id, limit=LIMIT)
        return [key for key in keys if key.revoked_at is None]

    def _updated(self, message: str, key: ApiKey | None) -> dict[str, Any]:
        shown = None if key is None else show_key(key, self._now)
        return {"status": "success", "message": message, "updated_key": shown, "timestamp": self._now}

    def _require(self, action: str) -> None:
        if not self._caller.may(action, "api_keys"):
            raise PermissionRefused(f"Your key does not have the scope {action}:api_keys.")


def show_key(key: ApiKey, now: datetime) -> dict[str, Any]:
    """Return a key as lists show it, masked."""
    masked = masked_key(key.environment_tag, key.sealed.last_four)
    left = None if key.max_requests is None else max(0, key.max_requests - key.requests_used)
    restrictions = (key.ip_allowlist, key.domain_referrers, key.expires_at, key.max_requests)
    strength = sum(bool(restriction) for restriction in restrictions)
    return {
        "id": key.id,
        "key_name": key.name,
        "api_key": masked,
        "masked_key": masked,
        "environment_tag": key.environment_tag,
        "scope_permissions": key.scopes,
        "is_active": is_in_force(key),
        "is_primary": key.is_primary,
        "expiration_date": key.expires_at,
        "days_remaining": None if key.expires_at is None else max(0, (key.expires_at - now).days),
        "max_requests": key.max_requests,
        "requests_used": key.requests_used,
        "requests_remaining": left,
        "usage_percentage": None
        if key.max_requests is None
        else round(100 * min(1.0, key.requests_used / key.max_requests), 2),
        "ip_allowlist": key.ip_allowlist,
        "domain_referrers": key.domain_referrers,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "last_used_at": key.last_used_at,
        "security_status": {
            "has_ip_restrictions": bool(key.ip_allowlist),
            "has_domain_restrictions": bool(key.domain_referrers),
            "has_expiration": key.expires_at is not None,
            "has_usage_limits": key.max_requests is not None,
            "security_level": ("basic", "medium", "medium", "high", "high")[strength],
        },
    }


def _edits(body: KeyUpdate) -> KeyEdits:
    edits = KeyEdits(
        name=body.key_name,
        scopes=body.scope_permissions,
        expires_in_days=body.expiration_days,
        max_requests=body.max_requests,
        ip_allowlist=_or_none(body.ip_allowlist),
        domain_referrers=_or_none(body.domain_referrers),
        is_active=body.is_active,
    )
    if all(value is UNSET for name, value in msgspec.structs.asdict(edits).items()):
        raise InvalidRequest("There is nothing to change in this body.", param="body")
    return edits


def _or_none(entries: Sequence[str] | UnsetType | None) -> Sequence[str] | UnsetType:
    return () if entries is None else entries


def _show_entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "user_id": entry.user_id,
        "action": entry.action,
        "api_key_id": entry.key_id,
        "actor": entry.actor,
        "details": entry.details,
        "timestamp": entry.created_at,
    }


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
