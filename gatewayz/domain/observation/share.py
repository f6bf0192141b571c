"""Exchange of the running minutes between processes through Redis, sooner than through the store.

Each process keeps one field of one hash: its buckets of the last two minutes and the facts that changed
in them. What is heard here is heard from the store too, somewhat later; a bucket only grows, so that an
older copy changes nothing. With Redis gone or answering nonsense, the store alone does.
"""

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from redis.exceptions import RedisError

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.history import row_of, state_of
from gatewayz.domain.observation.recorder import Recorder
from gatewayz.domain.observation.spans import MINUTE
from gatewayz.sdk.clock import Clock
from gatewayz.store.observation_records import StateRow, TrafficRow

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["TrafficShare"]

_KEY: Final = "gatewayz:traffic"
_MINUTES: Final = 2
_KEPT_S: Final = _MINUTES * MINUTE
_BUDGET_S: Final = 0.2
_MOST_BYTES: Final = 4 * 1024 * 1024

_log = logging.getLogger("gatewayz.observation")


class _Report(msgspec.Struct, frozen=True, array_like=True):
    at: float
    rows: tuple[TrafficRow, ...]
    states: tuple[StateRow, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Report).decode


class TrafficShare:
    """Tells the other processes, and hears of them.

    :param process: a name that no other process has.
    """

    def __init__(self, recorder: Recorder, redis: "Redis", clock: Clock, *, process: str) -> None:
        self._recorder = recorder
        self._redis = redis
        self._clock = clock
        self._process = process
        self.is_healthy = True
        """False after an exchange that failed."""

    async def run(self, every_s: float) -> None:
        """Exchange again and again until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(every_s)

    async def exchange(self) -> bool:
        """Tell and hear once; False when Redis did not play along."""
        self._recorder.fold()
        at = self._clock.now().timestamp()
        try:
            async with asyncio.timeout(_BUDGET_S), self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(_KEY, self._process, self._report(at))
                pipe.expire(_KEY, _KEPT_S)
                pipe.hgetall(_KEY)
                fields = (await pipe.execute())[-1]
        except (RedisError, OSError, TimeoutError) as error:
            if self.is_healthy:
                _log.warning("traffic is not shared through Redis: %s", type(error).__name__)
            self.is_healthy = False
            return False
        self.is_healthy = True
        await self._drop([name for name, report in fields.items() if not self._hear(name.decode(), report, at)])
        return True

    def _report(self, at: float) -> bytes:
        minute, recorder = int(at) // MINUTE, self._recorder
        buckets = recorder.minutes.between(minute - _MINUTES + 1, minute)
        rows = tuple(bucket.row(start * MINUTE, *key, self._process) for start, key, bucket in buckets)
        since = self._clock.now() - timedelta(seconds=_KEPT_S)
        known = recorder.facts.values()
        states = tuple(row_of(state) for state in known if state.last_called_at and state.last_called_at >= since)
        return _encode(_Report(at, rows, states))

    def _hear(self, process: str, report: bytes, now: float) -> bool:
        """Take in a report; False for one that is of no use any more."""
        if process == self._process:
            return True
        try:
            told = _decode(report) if len(report) <= _MOST_BYTES else None
            if told is None or now - told.at > _KEPT_S:
                return False
            for row in told.rows:
                self._recorder.hear(row.start // MINUTE, (process, row.provider, row.model), Bucket.of_row(row))
        except (msgspec.DecodeError, ValueError, IndexError):  # another release's, or nonsense
            return False
        for state in told.states:
            self._recorder.adopt(state_of(state))
        return True

    async def _drop(self, stale: list[bytes]) -> None:
        if stale:
            try:
                async with asyncio.timeout(_BUDGET_S):
                    await self._redis.hdel(_KEY, *stale)
            except (RedisError, OSError, TimeoutError):
                _log.debug("stale reports of traffic stay for now")
