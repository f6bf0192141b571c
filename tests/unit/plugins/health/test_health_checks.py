"""The contract of every built-in health check, and what each says of what it finds."""

from typing import Any

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import HealthCheck
from gatewayz.sdk.testing import Answer, DownTargets, FakeClock, FakeHttpClient, HealthContract, plugin_context
from gatewayz_plugins.health.completion_probe.check import CompletionProbe, CompletionProbeSettings
from gatewayz_plugins.health.database.check import DatabaseCheck, DatabaseSettings
from gatewayz_plugins.health.disk.check import DiskCheck, DiskSettings
from gatewayz_plugins.health.http_probe.check import HttpProbe, HttpProbeSettings
from gatewayz_plugins.health.redis.check import RedisCheck, RedisSettings
from gatewayz_plugins.health.upstream_credits.check import UpstreamCredits, UpstreamCreditsSettings


class TestDatabase(HealthContract):
    module = "gatewayz_plugins.health.database"
    settings = DatabaseSettings
    sample = {}

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return DatabaseCheck(settings, context)


class TestRedis(HealthContract):
    module = "gatewayz_plugins.health.redis"
    settings = RedisSettings
    sample = {}

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return RedisCheck(settings, context)


class TestDisk(HealthContract):
    module = "gatewayz_plugins.health.disk"
    settings = DiskSettings
    sample = {"low_mb": 0, "full_mb": 0}
    state_when_away = "up"

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return DiskCheck(settings, context)


class TestHttpProbeOfAUrl(HealthContract):
    module = "gatewayz_plugins.health.http_probe"
    settings = HttpProbeSettings
    sample = {"url": "{base_url}/models"}

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return HttpProbe(settings, context)


class TestHttpProbeOfAProvider(TestHttpProbeOfAUrl):
    sample = {"provider": "mine"}


class TestCompletionProbe(HealthContract):
    module = "gatewayz_plugins.health.completion_probe"
    settings = CompletionProbeSettings
    sample = {"provider": "mine", "model": "a/b", "costs_money": True}

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return CompletionProbe(settings, context)


class TestUpstreamCredits(HealthContract):
    module = "gatewayz_plugins.health.upstream_credits"
    settings = UpstreamCreditsSettings
    sample = {"provider": "mine", "url": "{base_url}/credits", "api_key": "{secret}", "total": "data.total"}
    state_when_away = "degraded"

    def build(self, settings: Any, context: PluginContext) -> HealthCheck:
        return UpstreamCredits(settings, context)


class SlowTargets(DownTargets):
    def __init__(self, clock: FakeClock, seconds: float, models: int = 3) -> None:
        self._clock, self._seconds, self._models = clock, seconds, models

    async def ping_database(self) -> None:
        self._clock.advance(self._seconds)

    async def ping_redis(self) -> bool:
        return False

    async def count_models(self, provider: str) -> int:
        self._clock.advance(self._seconds)
        return self._models

    async def complete(self, provider: str, model: str, prompt: str, max_tokens: int) -> None:
        self._clock.advance(self._seconds)


_EMPTY = Answer()


def context(answer: Answer = _EMPTY, *, seconds: float = 0.01, models: int = 3) -> PluginContext:
    made = plugin_context(FakeHttpClient(answer))
    clock = FakeClock()
    return msgspec.structs.replace(made, clock=clock, targets=SlowTargets(clock, seconds, models))


@pytest.mark.parametrize(("seconds", "state"), [(0.01, "up"), (0.6, "degraded")])
async def test_a_slow_database_is_degraded(seconds: float, state: str) -> None:
    reading = await DatabaseCheck(DatabaseSettings(), context(seconds=seconds)).probe()
    assert reading.state == state and reading.latency_ms == pytest.approx(seconds * 1000)


async def test_a_redis_that_is_not_configured_is_told() -> None:
    assert "store.redis_url" in (await RedisCheck(RedisSettings(), context()).probe()).detail


@pytest.mark.parametrize(("low", "full", "state"), [(0, 0, "up"), (10**12, 0, "degraded"), (10**12, 10**12, "down")])
async def test_room_on_the_disk(low: int, full: int, state: str) -> None:
    reading = await DiskCheck(DiskSettings(path="/", low_mb=low, full_mb=full), context()).probe()
    assert reading.state == state and reading.facts is not None and reading.facts["total_mb"]


async def test_a_short_model_list_is_degraded() -> None:
    probe = HttpProbe(HttpProbeSettings(provider="mine", min_models=5), context(models=3))
    reading = await probe.probe()
    assert (reading.state, reading.provider, reading.model) == ("degraded", "mine", "")


@pytest.mark.parametrize(("status", "state"), [(200, "up"), (500, "down")])
async def test_a_url_is_judged_by_its_status(status: int, state: str) -> None:
    probe = HttpProbe(HttpProbeSettings(url="http://a/b"), context(Answer(pieces=(b"{}",), status=status)))
    assert (await probe.probe()).state == state


async def test_a_completion_probe_tells_of_its_offer_and_is_off_by_default() -> None:
    settings = CompletionProbeSettings(provider="mine", model="a/b")
    assert not settings.is_configured()
    reading = await CompletionProbe(settings, context(seconds=11)).probe()
    assert (reading.state, reading.provider, reading.model) == ("degraded", "mine", "a/b")


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"data": {"total": 100.5, "used": 50}}, "up"),
        ({"data": {"total": "10", "used": "5.01"}}, "degraded"),
        ({"data": {"total": 7, "used": 7.5}}, "down"),
        ({"data": {"total": True, "used": 1}}, "degraded"),
        ({"data": {"total": "many", "used": 1}}, "degraded"),
        ({"other": 1}, "degraded"),
        ([], "degraded"),
    ],
)
async def test_a_balance_is_the_total_less_what_was_used(body: Any, state: str) -> None:
    settings = UpstreamCreditsSettings(provider="mine", url="http://a/c", total="data.total", used="data.used")
    reading = await UpstreamCredits(settings, context(Answer(pieces=(msgspec.json.encode(body),)))).probe()
    assert reading.state == state and reading.provider == "mine" and not reading.facts
