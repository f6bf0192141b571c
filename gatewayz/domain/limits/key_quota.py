"""Keys that may make only so many calls over their life. Source: spec 00 §2.

What a key has used is in the store, at most `POLL_S` old here; calls of this process that are not in
that figure are added, those under way among them. One process is exact; several together
may overshoot by what each has served since its uses were last written (`key_uses.FLUSH_S`) and one poll.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import RateLimited, StoreUnavailable

__all__ = ["KeyQuota", "QuotaSlot"]

_log = logging.getLogger("gatewayz.limits")
POLL_S: Final = 1.0
SLOT_S: Final = 900.0
"""A call that has not ended by then is not waited for."""
RETRY_S: Final = 86_400.0
"""What refused callers are told: nothing comes back by itself, only the key's owner can raise the number."""
_KEPT: Final = 10_000
"""Keys whose counts are remembered; the one not seen for longest goes first."""


class _Count:
    __slots__ = ("ends", "lock", "read_at", "stored")

    def __init__(self) -> None:
        self.stored = 0
        self.read_at: float | None = None
        self.ends: dict[QuotaSlot, float] = {}
        """Calls under way, in the order they began, and until when they are counted as such."""
        self.lock = asyncio.Lock()


class QuotaSlot:
    """A call under way. `release` when it has ended, any number of times; its settlement counts it for good."""

    __slots__ = ("_count",)

    def __init__(self, count: _Count) -> None:
        self._count = count

    def release(self) -> None:
        """The call has ended."""
        self._count.ends.pop(self, None)


class KeyQuota:
    """Counts the calls of keys that have a bound, for one process."""

    def __init__(self, uses: KeyUses, clock: Clock) -> None:
        self._uses = uses
        self._clock = clock
        self._counts: OrderedDict[int, _Count] = OrderedDict()

    async def take(self, caller: Caller) -> QuotaSlot | None:
        """Begin a call; None for keys without a bound. Raises RateLimited (429) when the key is used up."""
        if caller.max_requests is None or caller.key_id is None:
            return None
        count = self._counts.get(caller.key_id)
        if count is None:
            count = self._remember(caller.key_id)
        self._counts.move_to_end(caller.key_id)
        await self._read(caller, caller.key_id, count)
        now = self._clock.monotonic()
        while count.ends and count.ends[first := next(iter(count.ends))] <= now:
            del count.ends[first]
        if count.stored + self._uses.unread(caller.key_id) + len(count.ends) >= caller.max_requests:
            raise RateLimited(
                f"This key may make {caller.max_requests} calls over its life, and has made them.",
                context={"limit_type": "max_requests", "limit": caller.max_requests},
                retry_after_s=RETRY_S,
                suggestions=("Raise the key's max_requests.", "Use another key."),
            )
        slot = QuotaSlot(count)
        count.ends[slot] = now + SLOT_S
        return slot

    async def _read(self, caller: Caller, key_id: int, count: _Count) -> None:
        """Read what the key has used, unless that is fresh; while the store is away the last figure holds."""
        async with count.lock:
            now = self._clock.monotonic()
            if count.read_at is not None and now - count.read_at < POLL_S:
                return
            try:
                count.stored = await self._uses.read_total(key_id)
            except StoreUnavailable as err:
                _log.debug("uses of a key cannot be read: %s", err)
                count.stored = max(count.stored, caller.requests_used)
            count.read_at = self._clock.monotonic()

    def _remember(self, key_id: int) -> _Count:
        count = self._counts[key_id] = _Count()
        if len(self._counts) > _KEPT:
            forgotten, _ = self._counts.popitem(last=False)
            self._uses.forget(forgotten)
        return count
