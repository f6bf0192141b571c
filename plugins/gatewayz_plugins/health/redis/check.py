"""One PING, timed."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.interfaces import Reading

__all__ = ["RedisCheck", "RedisSettings"]


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is too slow."""

    slow_ms: Annotated[float, Meta(gt=0)] = 50.0
    """From here on it is degraded: the limiter waits 45 ms for it, and then counts alone."""


class RedisCheck:
    """Looks at the Redis of `store.redis_url`."""

    def __init__(self, settings: RedisSettings, context: PluginContext) -> None:
        self._slow_ms = settings.slow_ms
        self._clock = context.clock
        self._targets = context.targets

    async def probe(self) -> Reading:
        """Ask once."""
        started = self._clock.monotonic()
        try:
            is_there = self._targets is not None and await self._targets.ping_redis()
        except GatewayzError:
            return Reading(state="down", detail="Redis does not answer")
        if not is_there:
            return Reading(state="down", detail="no Redis is configured (store.redis_url)")
        took_ms = (self._clock.monotonic() - started) * 1000
        if took_ms >= self._slow_ms:
            return Reading(state="degraded", latency_ms=took_ms, detail=f"slower than {self._slow_ms:g} ms")
        return Reading(state="up", latency_ms=took_ms)
