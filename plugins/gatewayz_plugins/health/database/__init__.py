"""Whether the gateway's database answers, and how fast."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.database.check import DatabaseCheck, DatabaseSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `database`."""
    register("database", DatabaseCheck, settings=DatabaseSettings)
