"""Whether a provider answers a real, small call. Costs money."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.completion_probe.check import CompletionProbe, CompletionProbeSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `completion_probe`."""
    register("completion_probe", CompletionProbe, settings=CompletionProbeSettings)
