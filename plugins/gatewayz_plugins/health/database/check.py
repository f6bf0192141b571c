"""One small query, timed."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, GatewayzError
from gatewayz.sdk.interfaces import Reading

__all__ = ["DatabaseCheck", "DatabaseSettings"]


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is too slow."""

    slow_ms: Annotated[float, Meta(gt=0)] = 500.0
    """From here on it is degraded."""


class DatabaseCheck:
    """Looks through the store's own pool, so that an exhausted pool is seen too."""

    def __init__(self, settings: DatabaseSettings, context: PluginContext) -> None:
        self._slow_ms = settings.slow_ms
        self._clock = context.clock
        self._targets = context.targets

    async def provision(self) -> None:
        """Raise ConfigurationError where no store is open."""
        if self._targets is None:
            raise ConfigurationError("there is no database to look at")

    async def probe(self) -> Reading:
        """Ask once."""
        if self._targets is None:
            return Reading(state="down", detail="there is no database to look at")
        started = self._clock.monotonic()
        try:
            await self._targets.ping_database()
        except GatewayzError:
            return Reading(state="down", detail="the database does not answer")
        took_ms = (self._clock.monotonic() - started) * 1000
        if took_ms >= self._slow_ms:
            return Reading(state="degraded", latency_ms=took_ms, detail=f"slower than {self._slow_ms:g} ms")
        return Reading(state="up", latency_ms=took_ms)
