"""Counts that processes share through Redis, in one round trip for all bounds of a request."""

from typing import TYPE_CHECKING, Final

from gatewayz.domain.limits.bounds import Bound, Granted, Refused, Usage, amount_of
from gatewayz.domain.limits.script import GIVE_BACK, TAKE, USAGE

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["SharedCounters"]

_PREFIX: Final = "gatewayz:limits:"


class SharedCounters:
    """`Counters` in Redis.

    :param now: for tests; the server's own clock when absent, so that processes agree.
    """

    def __init__(self, redis: "Redis", now: str = "") -> None:
        self._take = redis.register_script(TAKE)
        self._give_back = redis.register_script(GIVE_BACK)
        self._usage = redis.register_script(USAGE)
        self._connections = redis.connection_pool
        self.now = now

    async def take(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
        """Take all or nothing. Raises RedisError, OSError, ValueError for an answer that makes no sense."""
        arguments: list[str | int] = [self.now, lease]
        for bound in bounds:
            arguments += (bound.kind, bound.limit, bound.slot_ms, bound.slots, amount_of(bound, tokens))
        answer = _numbers(await self._take(keys=[_PREFIX + bound.key for bound in bounds], args=arguments))
        if answer[0] == 0 and len(answer) == 4 and answer[1] < len(bounds):
            return Refused(index=answer[1], wait_ms=answer[2], at_ms=answer[3])
        if answer[0] != 1 or len(answer) != 2 + 2 * len(bounds):
            raise ValueError("redis answered the limiter with the wrong number of values")
        return Granted(at_ms=answer[1], remaining=answer[2::2], reset_ms=answer[3::2], lease=lease)

    async def give_back(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """End the lease and correct the tokens. Raises as `take`."""
        keys, arguments = [], [granted.lease]
        for bound in bounds:
            if bound.kind == "lease" or (bound.counts_tokens and tokens):
                keys.append(_PREFIX + bound.key)
                arguments += (bound.kind, str(granted.at_ms // bound.slot_ms), str(tokens))
        if keys:
            await self._give_back(keys=keys, args=arguments)

    async def usage(self, bounds: tuple[Bound, ...]) -> list[Usage]:
        """Return what has been taken of windows. Raises as `take`."""
        arguments: list[str | int] = [self.now]
        for bound in bounds:
            arguments += (bound.slot_ms, bound.slots)
        answer = _numbers(await self._usage(keys=[_PREFIX + bound.key for bound in bounds], args=arguments))
        if len(answer) != 2 * len(bounds):
            raise ValueError("redis answered the limiter with the wrong number of values")
        return [Usage(used=used, reset_ms=reset_ms) for used, reset_ms in zip(answer[::2], answer[1::2], strict=True)]

    async def reset(self) -> None:
        """Close the connections that are idle: one may be dead, or hold half an answer to somebody else."""
        await self._connections.disconnect(inuse_connections=False)


def _numbers(answer: object) -> list[int]:
    if not isinstance(answer, list) or not all(isinstance(part, int) for part in answer):
        raise ValueError("redis answered the limiter with something else than numbers")
    return answer
