"""How often `/ping` was asked: by all processes where there is Redis, else by this one. Lost with them (spec 05 §9)."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.sdk.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["PingStats", "Pings"]

_KEY: Final = "gatewayz:pings"
_TRIES: Final = 2
"""The first may meet a connection that has died meanwhile."""
_PAUSE_S: Final = 2.0
"""How long Redis is left alone after it failed."""


class PingStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of pings; the moments are None before the first one."""

    total_pings: int
    cached: bool
    """Counted in Redis, by all processes; False counts this process alone."""
    last_ping_at: datetime | None
    created_at: datetime | None
    """When the first one came."""


class Pings:
    """Counts. While Redis does not answer, pings are kept here and told to it later.

    :param redis: None counts in this process alone.
    """

    def __init__(self, clock: Clock, redis: "Redis | None" = None) -> None:
        self._clock = clock
        self._redis = redis
        self._shared = 0
        self._owed = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._rests_until = 0.0

    async def count(self) -> int:
        """Count one, and return how many there were."""
        now = self._clock.now()
        self._owed += 1
        self._first, self._last = self._first or now, now
        await self._exchange()
        return self._shared + self._owed

    async def stats(self) -> PingStats:
        """Return what is known, of all processes where they share."""
        is_shared = await self._exchange()
        return PingStats(
            total_pings=self._shared + self._owed,
            cached=is_shared,
            last_ping_at=self._last,
            created_at=self._first,
        )

    async def _exchange(self) -> bool:
        """Tell Redis what it does not know, and learn what it does; return whether it answered."""
        if self._redis is None or self._clock.monotonic() < self._rests_until:
            return False
        for _ in range(_TRIES):
            if await self._tell(self._redis):
                return True
        self._rests_until = self._clock.monotonic() + _PAUSE_S
        return False

    async def _tell(self, redis: "Redis") -> bool:
        owed, self._owed = self._owed, 0
        try:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.hincrby(_KEY, "count", owed)
                if owed and self._first is not None and self._last is not None:
                    pipe.hsetnx(_KEY, "first", self._first.isoformat())
                    pipe.hset(_KEY, "last", self._last.isoformat())
                pipe.hmget(_KEY, "first", "last")
                count, *_, (first, last) = await pipe.execute()
        except Exception:  # noqa: BLE001  whatever Redis does, pings are answered
            self._owed += owed
            return False
        self._shared = int(count)
        self._first, self._last = _moment(first) or self._first, _moment(last) or self._last
        return True


def _moment(text: bytes | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.decode())
