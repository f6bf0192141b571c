"""The velocity mode of all processes together: counts and the mode itself are in Redis.

Each process tells once a second what it has seen and hears whether the mode is on. See docs/decisions/0129-velocity.md.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from gatewayz.domain.limits.network import Velocity

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["EXCHANGE", "VelocityShare"]

_log = logging.getLogger("gatewayz.limits")
_PERIOD_S: Final = 1.0
_KEYS: Final = ("gatewayz:limits:velocity:counts", "gatewayz:limits:velocity:mode")
EXCHANGE: Final = """
local requests, failures, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local second = tonumber(redis.call('TIME')[1])
if requests > 0 then
  redis.call('HINCRBY', KEYS[1], 'r' .. second, requests)
  redis.call('HINCRBY', KEYS[1], 'f' .. second, failures)
  redis.call('EXPIRE', KEYS[1], window + 1)
end
local total, failed, flat = 0, 0, redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local kind, at, count = flat[i]:sub(1, 1), tonumber(flat[i]:sub(2)), tonumber(flat[i + 1])
  if at <= second - window then redis.call('HDEL', KEYS[1], flat[i])
  elseif kind == 'r' then total = total + count
  else failed = failed + count end
end
local left = redis.call('PTTL', KEYS[2])
if left < 0 and failed > 0 and total >= tonumber(ARGV[4]) and failed * 100 >= total * tonumber(ARGV[5]) then
  left = tonumber(ARGV[6])
  redis.call('SET', KEYS[2], '1', 'PX', left)
end
return {total, failed, math.max(0, left)}
"""
"""KEYS: counts by second, the mode. ARGV: requests, failures, window in s, least requests, percent, duration in ms.
Returns requests and failures of the window, and for how many ms the mode lasts."""


class VelocityShare:
    """Keeps the velocity mode of a process the same as everybody's."""

    def __init__(self, velocity: Velocity, redis: "Redis") -> None:
        self._velocity = velocity
        self._exchange = redis.register_script(EXCHANGE)

    async def run(self) -> None:
        """Exchange once a second until cancelled; while Redis is away each process decides by what it sees."""
        while True:
            try:
                await self.exchange()
            except Exception as err:  # noqa: BLE001  whatever Redis does, the mode goes on locally
                _log.debug("the velocity mode is not shared: %s", type(err).__name__)
            await asyncio.sleep(_PERIOD_S)

    async def exchange(self) -> None:
        """Tell what was seen since the last time, and adopt what all have seen. Raises what redis-py raises."""
        velocity, rules = self._velocity, self._velocity.rules
        requests, failures = velocity.take_untold()
        told = (requests, failures, rules.window_s, rules.min_requests, f"{rules.failure_percent:g}")
        try:
            answer = await self._exchange(keys=_KEYS, args=[*told, round(rules.duration_s * 1000)])
            total, failed, left_ms = (int(part) for part in answer)
        except BaseException:  # cancellation too: what was not told is told later
            velocity.put_untold_back(requests, failures)
            raise
        velocity.adopt(total, failed, left_ms / 1000)
