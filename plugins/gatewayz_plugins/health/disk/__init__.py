"""Whether there is room on a disk."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.disk.check import DiskCheck, DiskSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `disk`."""
    register("disk", DiskCheck, settings=DiskSettings)
