"""Whether a provider's model list, or any URL, can be read."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.http_probe.check import HttpProbe, HttpProbeSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `http_probe`."""
    register("http_probe", HttpProbe, settings=HttpProbeSettings)
