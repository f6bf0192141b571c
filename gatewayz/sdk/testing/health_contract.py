"""The contract every health check keeps, as tests to subclass.

    class TestMine(HealthContract):
        module = "my_plugin"
        settings = MySettings
        sample = {"api_key": "{secret}"}

        def build(self, settings, context):
            return MyCheck(settings, context)

It looks at nothing that is there: no database, no provider, nobody at the other end of a connection.
"""

import asyncio
from typing import Any, Literal, get_args

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, StoreUnavailable, UpstreamUnreachable
from gatewayz.sdk.interfaces import HealthCheck
from gatewayz.sdk.testing.client import PlainHttpClient
from gatewayz.sdk.testing.fakes import plugin_context
from gatewayz.sdk.testing.playing import SECRET
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings

__all__ = ["DownTargets", "HealthContract"]

_DEADLINE_S = 5.0
_STATES = frozenset(get_args(Literal["up", "degraded", "down"]))


class DownTargets:
    """A gateway of which nothing answers."""

    async def ping_database(self) -> None:
        """As `Targets.ping_database`."""
        raise StoreUnavailable("away")

    async def ping_redis(self) -> bool:
        """As `Targets.ping_redis`."""
        raise StoreUnavailable("away")

    async def count_models(self, provider: str) -> int:
        """As `Targets.count_models`."""
        raise UpstreamUnreachable(f"{SECRET} is what must not be shown")

    async def complete(self, provider: str, model: str, prompt: str, max_tokens: int) -> None:
        """As `Targets.complete`."""
        raise ConfigurationError(f"there is no provider {provider!r}")


class HealthContract(SettingsContract):
    """Subclass and name module, settings, a sample, and how to build."""

    state_when_away: Literal["up", "degraded", "down"] = "down"
    """What it says of a target that does not answer."""

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        """Return the check."""
        raise NotImplementedError

    def check(self) -> HealthCheck:
        """Return a check all of whose targets are away."""
        context = plugin_context(PlainHttpClient())
        context = msgspec.structs.replace(context, targets=DownTargets())
        return self.build(decode_settings(self.settings, self.values()), context)

    async def test_a_target_that_is_away_is_a_reading(self) -> None:
        reading = await asyncio.wait_for(self.check().probe(), _DEADLINE_S)
        assert reading.state == self.state_when_away
        assert reading.detail or reading.state == "up", "what is wrong is said"

    async def test_it_can_look_again_and_many_times_at_once(self) -> None:
        check = self.check()
        readings = await asyncio.wait_for(asyncio.gather(*(check.probe() for _ in range(5))), _DEADLINE_S)
        assert {reading.state for reading in readings} <= _STATES

    async def test_readings_are_json_and_hold_no_secret(self) -> None:
        reading = await asyncio.wait_for(self.check().probe(), _DEADLINE_S)
        assert SECRET.encode() not in msgspec.json.encode(reading)

    async def test_being_cancelled_ends_it(self) -> None:
        task = asyncio.ensure_future(self.check().probe())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=_DEADLINE_S)
        assert task.done()
