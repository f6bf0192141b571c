"""What the domain needs of a store, one protocol for each aggregate.

Every method may raise StoreUnavailable. Every row of a user is asked for by its owner.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gatewayz.store.records import (
    ApiKey,
    AuditEntry,
    AuditFilter,
    IdentityChange,
    KeyChanges,
    KeyHolder,
    KeyQuota,
    KeyUse,
    NewKey,
    NewUser,
    Sealed,
    UsageRow,
    User,
    UserChanges,
)

__all__ = ["AccountStore", "IdentityStore", "KeyStore", "ReceiptStore", "UsageStore"]


class IdentityStore(Protocol):
    """What authenticating needs."""

    async def find_holder(self, lookup_hash: bytes) -> KeyHolder | None:
        """Return the key with that hash and its user, whatever their state."""
        ...

    async def find_holder_of_id(self, key_id: int) -> KeyHolder | None:
        """Return the key of an id and its user, whatever their state."""
        ...

    async def identity_revision(self) -> int:
        """Return the number of the newest change of any user or key."""
        ...

    async def list_identity_changes(self, after: int) -> Sequence[IdentityChange]:
        """Return the changes after a revision, oldest first; with `user_id` None where everybody is meant."""
        ...

    async def record_uses(self, uses: Sequence[KeyUse]) -> None:
        """Add to the counters of keys; this is no change of identity."""
        ...

    async def lease_uses(self, key_id: int, wanted: int) -> int:
        """Take uses of a key that has a bound, at most an eighth of what is left but at least one; 0 when used up."""
        ...

    async def return_uses(self, key_id: int, count: int) -> None:
        """Give uses back."""
        ...


class AccountStore(Protocol):
    """Users."""

    async def add_user(self, user: NewUser, now: datetime) -> User:
        """Make a user. Raises Conflict (param `email`) when the address is taken, in any spelling."""
        ...

    async def find_user(self, user_id: int) -> User | None:
        """Return a user."""
        ...

    async def find_user_by_email(self, email: str) -> User | None:
        """Return the user of an address, in any spelling."""
        ...

    async def list_users(self, *, after: int = 0, limit: int = 50) -> Sequence[User]:
        """Return users with ids above `after`, in order of id."""
        ...

    async def update_user(self, user_id: int, changes: UserChanges, now: datetime) -> User | None:
        """Change a user, None when there is none. Raises Conflict (param `email`)."""
        ...


class KeyStore(Protocol):
    """Keys; what changes one is written to the audit and to the feed of changes in the same transaction."""

    async def add_key(self, key: NewKey, actor: str, now: datetime, quota: KeyQuota | None = None) -> ApiKey:
        """Make a key, the primary one when its user has none.

        Raises Conflict (`key_name`) for a taken name, ResourceNotFound for an unknown user, RateLimited when
        the actor has used up the quota.
        """
        ...

    async def find_key(self, user_id: int, key_id: int) -> ApiKey | None:
        """Return a user's key."""
        ...

    async def list_keys(self, user_id: int, *, after: int = 0, limit: int = 100) -> Sequence[ApiKey]:
        """Return a user's keys with ids above `after`, in order of id."""
        ...

    async def update_key(
        self, user_id: int, key_id: int, changes: KeyChanges, *, action: str, actor: str, now: datetime
    ) -> ApiKey | None:
        """Change a key, None when the user has none by that id. Raises Conflict (`key_name`)."""
        ...

    async def list_audit(
        self,
        user_id: int,
        *,
        before: int | None = None,
        limit: int = 100,
        wanted: AuditFilter | None = None,
    ) -> Sequence[AuditEntry]:
        """Return what was done to a user's keys, newest first, with ids below `before`."""
        ...

    async def count_audit(self, user_id: int) -> int:
        """Return how many entries a user has."""
        ...

    async def list_sealed_before(self, version: int, *, after: int, limit: int) -> Sequence[tuple[int, Sealed]]:
        """Return (key id, sealed key) of keys encrypted by an older version, ids above `after`, in order."""
        ...

    async def reseal(self, ciphertexts: Mapping[int, tuple[Sealed, Sealed]]) -> int:
        """Replace ciphertexts (key id to before, after) where they are still as before; return how many were."""
        ...


class ReceiptStore(Protocol):
    """The usage log, asked for single calls."""

    async def find_usage(self, user_id: int, request_id: str) -> Mapping[str, Any] | None:
        """Return the newest row of one of a user's requests."""
        ...


class UsageStore(Protocol):
    """The usage log."""

    async def append_usage(self, rows: Sequence[UsageRow]) -> None:
        """Write rows, all or none. Raises Conflict when an id is taken."""
        ...

    async def prune_usage(self, before: datetime) -> int:
        """Forget rows older than a moment; return how many rows (or whole days) went."""
        ...

    async def list_usage(
        self, user_id: int | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Mapping[str, Any]]:
        """Return rows, newest first, with ids below `before`."""
        ...
