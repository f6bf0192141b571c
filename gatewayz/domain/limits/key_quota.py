"""Keys that may make only so many calls over their life. Source: spec 00 §2.

A process takes uses from the store in blocks, by one conditional update, before it lets calls through; so all processes
together never exceed the bound. Blocks shrink towards the end, and what a process does not need goes back within
seconds. A process that is killed keeps what was left of its block. See docs/decisions/0128-uses-in-blocks.md.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Final, Protocol

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import RateLimited, StoreUnavailable

__all__ = ["KeyQuota", "QuotaUse", "UseStore"]

_log = logging.getLogger("gatewayz.limits")
BLOCK: Final = 32
"""Uses that a process takes at once, at most; the store gives no more than an eighth of what is left."""
IDLE_S: Final = 5.0
"""Uses that nobody asked for in this time go back."""
REFUSE_S: Final = 1.0
"""How long a key that was used up is refused without asking the store again."""
RETRY_S: Final = 86_400.0
"""What refused callers are told: nothing comes back by itself, only the key's owner can raise the number."""
_KEPT: Final = 10_000
"""Keys whose blocks are remembered; the one not seen for longest goes first."""


class UseStore(Protocol):
    """The store, as far as it is used here. Each raises StoreUnavailable."""

    async def lease_uses(self, key_id: int, wanted: int) -> int:
        """Take uses of a key, at most an eighth of what is left but at least one; 0 when it is used up."""
        ...

    async def return_uses(self, key_id: int, count: int) -> None:
        """Give uses back."""
        ...


class _Block:
    __slots__ = ("asked_at", "lock", "refused_until", "spare")

    def __init__(self) -> None:
        self.spare = 0
        self.asked_at = 0.0
        self.refused_until = 0.0
        self.lock = asyncio.Lock()


class QuotaUse:
    """One use that was taken for a call."""

    __slots__ = ("_key_id", "_quota")

    def __init__(self, quota: "KeyQuota", key_id: int) -> None:
        self._quota = quota
        self._key_id = key_id

    def cancel(self) -> None:
        """The call was not made after all. To be called once at most."""
        self._quota.put_back(self._key_id)


class KeyQuota:
    """Lets through the calls of keys that have a bound."""

    def __init__(self, store: UseStore, uses: KeyUses, clock: Clock) -> None:
        self._store = store
        self._uses = uses
        self._clock = clock
        self._blocks: OrderedDict[int, _Block] = OrderedDict()

    async def take(self, caller: Caller) -> QuotaUse | None:
        """Take a use for a call; None for keys without a bound.

        Raises RateLimited (429) when the key is used up, StoreUnavailable when that cannot be known.
        """
        key_id = caller.key_id
        if caller.max_requests is None or key_id is None:
            return None
        block = self._block(key_id)
        block.asked_at = self._clock.monotonic()
        if block.spare:
            block.spare -= 1
        else:
            async with block.lock:
                if not await self._has_one(block, key_id):
                    raise _used_up(caller.max_requests)
                block.spare -= 1
        self._uses.count_as_told(key_id)
        return QuotaUse(self, key_id)

    def put_back(self, key_id: int) -> None:
        """Keep a use for the next call of its key."""
        self._uses.forget_told(key_id)
        self._block(key_id).spare += 1

    async def run(self) -> None:
        """Give back what is not needed, until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S)
            await self.give_back(self._clock.monotonic() - IDLE_S)

    async def give_back(self, idle_since: float) -> None:
        """Give back what was not asked for since then; it is kept while the store is away."""
        for key_id, block in list(self._blocks.items()):
            if not block.spare or block.asked_at > idle_since:
                continue
            async with block.lock:
                count, block.spare = block.spare, 0
                try:
                    await self._store.return_uses(key_id, count)
                except StoreUnavailable as err:
                    _log.debug("uses of a key are given back later: %s", err)
                    block.spare += count

    async def aclose(self) -> None:
        """Give everything back."""
        await self.give_back(self._clock.monotonic())

    async def _has_one(self, block: _Block, key_id: int) -> bool:
        """Return whether there is a use, taking more from the store when it must."""
        now = self._clock.monotonic()
        if not block.spare and now >= block.refused_until:
            block.spare += await self._store.lease_uses(key_id, BLOCK)
            if not block.spare:
                block.refused_until = now + REFUSE_S
        return block.spare > 0

    def _block(self, key_id: int) -> _Block:
        block = self._blocks.get(key_id)
        if block is None:
            block = self._blocks[key_id] = _Block()
            if len(self._blocks) > _KEPT:
                self._forget_one()
        self._blocks.move_to_end(key_id)
        return block

    def _forget_one(self) -> None:
        for key_id, block in self._blocks.items():
            if not block.spare and not block.lock.locked():
                del self._blocks[key_id]
                return


def _used_up(bound: int) -> RateLimited:
    return RateLimited(
        f"This key may make {bound} calls over its life, and has made them.",
        context={"limit_type": "max_requests", "limit": bound},
        retry_after_s=RETRY_S,
        suggestions=("Raise the key's max_requests.", "Use another key."),
    )
