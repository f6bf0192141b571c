"""Entries of the allowlist, as administrators make and see them. Source: spec 07 §1."""

from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import UNSET

from gatewayz.areas.admin.ip_allowlist.schema import CheckBody, EntryBody, EntryEdits
from gatewayz.domain.limits.allowlist import canonical_network
from gatewayz.sdk.errors import InvalidRequest, SchemaInvalid
from gatewayz.store.allowlist_records import AllowlistChanges, AllowlistEntry

__all__ = ["changes_of", "checked_address", "new_entry", "show_entry"]

_METADATA_BYTES = 16_384


def new_entry(body: EntryBody, created_by: str, now: datetime) -> AllowlistEntry:
    """Return the entry that is asked for. Raises SchemaInvalid."""
    try:
        network = canonical_network(body.ip_address)
    except ValueError as err:
        raise SchemaInvalid(
            "ip_address: neither an address nor a CIDR range such as 203.0.113.0/24.", param="ip_address"
        ) from err
    if body.expires_at is not None and body.expires_at <= now:
        raise SchemaInvalid("expires_at: lies in the past.", param="expires_at")
    return AllowlistEntry(
        id=str(uuid4()),
        network=network,
        user_id=body.user_id,
        reason=body.reason,
        created_by=created_by,
        is_enabled=True,
        expires_at=body.expires_at,
        metadata=_checked_metadata(body.metadata or {}),
        created_at=now,
        updated_at=now,
    )


def changes_of(edits: EntryEdits) -> AllowlistChanges:
    """Return what is to change. Raises InvalidRequest when nothing is, SchemaInvalid."""
    if all(value is UNSET for value in msgspec.structs.astuple(edits)):
        raise InvalidRequest("Send at least one of enabled, reason, expires_at, metadata.", param="enabled")
    return AllowlistChanges(
        is_enabled=edits.enabled,
        reason=edits.reason,
        expires_at=edits.expires_at,
        metadata=UNSET if edits.metadata is UNSET else _checked_metadata(edits.metadata or {}),
    )


def checked_address(body: CheckBody) -> str:
    """Return the address to look for. Raises SchemaInvalid when it is none; a range is none."""
    try:
        return str(ip_address(body.ip_address.strip()))
    except ValueError as err:
        raise SchemaInvalid("ip_address: not an address.", param="ip_address") from err


def show_entry(entry: AllowlistEntry) -> dict[str, Any]:
    """Return an entry."""
    return {
        "id": entry.id,
        "ip_address": entry.network,
        "user_id": entry.user_id,
        "reason": entry.reason,
        "created_by": entry.created_by,
        "enabled": entry.is_enabled,
        "expires_at": entry.expires_at,
        "metadata": entry.metadata,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
    }


def _checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(msgspec.json.encode(metadata)) > _METADATA_BYTES:
        raise SchemaInvalid(f"metadata: more than {_METADATA_BYTES} bytes.", param="metadata")
    return metadata
