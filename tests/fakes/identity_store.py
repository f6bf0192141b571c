"""An identity store that can be told to be away, slow or changed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.records import ApiKey, IdentityChange, KeyHolder, KeyUse, Sealed, User

MADE = datetime(2026, 1, 1, tzinfo=UTC)


def holder(sealed: Sealed, *, user_id: int = 1, key_id: int = 1, **changes: object) -> KeyHolder:
    user = User(
        id=user_id,
        email=f"{user_id}@example.com",
        role="user",
        plan=None,
        is_active=True,
        trial_ends_at=None,
        created_at=MADE,
        updated_at=MADE,
    )
    fields: dict[str, object] = {
        "is_active": True,
        "is_primary": True,
        "revoked_at": None,
        "requests_used": 0,
        "last_used_at": None,
        "scopes": {"read": ("*",)},
    }
    key = ApiKey(
        id=key_id,
        user_id=user_id,
        name="key",
        environment_tag="live",
        sealed=sealed,
        created_at=MADE,
        updated_at=MADE,
        **(fields | changes),  # type: ignore[arg-type]
    )
    return KeyHolder(user=user, key=key)


class FakeIdentityStore:
    def __init__(self) -> None:
        self.holders: dict[bytes, KeyHolder] = {}
        self.changes: list[IdentityChange] = []
        self.looked_up = 0
        self.uses: list[KeyUse] = []
        self.bound, self.leased = 0, 0
        """`max_requests` of the one key with a bound, and its uses taken."""
        self.is_away = False
        self.gate: asyncio.Event | None = None
        """Look-ups wait for it, after having read."""

    def put(self, found: KeyHolder) -> None:
        self.holders[found.key.sealed.lookup_hash] = found

    def change(self, found: KeyHolder) -> None:
        self.put(found)
        self.changes.append(IdentityChange(revision=len(self.changes) + 1, user_id=found.user.id))

    async def find_holder_of_id(self, key_id: int) -> KeyHolder | None:
        raise NotImplementedError

    async def find_holder(self, lookup_hash: bytes) -> KeyHolder | None:
        self._answer()
        self.looked_up += 1
        found = self.holders.get(lookup_hash)
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def identity_revision(self) -> int:
        self._answer()
        return len(self.changes)

    async def list_identity_changes(self, after: int) -> Sequence[IdentityChange]:
        self._answer()
        return self.changes[after:]

    async def record_uses(self, uses: Sequence[KeyUse]) -> None:
        self._answer()
        self.uses += uses

    async def lease_uses(self, key_id: int, wanted: int) -> int:
        self._answer()
        left = self.bound - self.leased
        count = min(wanted, max(1, left // 8), max(0, left))
        self.leased += count
        return count

    async def return_uses(self, key_id: int, count: int) -> None:
        self._answer()
        self.leased -= count

    def _answer(self) -> None:
        if self.is_away:
            raise StoreUnavailable("away", retry_after_s=1.0)
