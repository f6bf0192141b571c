"""Whether the gateway's Redis answers, and how fast."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.redis.check import RedisCheck, RedisSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `redis`."""
    register("redis", RedisCheck, settings=RedisSettings)
