"""How much credit is left at a provider."""

from gatewayz.sdk.hookspecs import HealthRegister, hookimpl
from gatewayz_plugins.health.upstream_credits.check import UpstreamCredits, UpstreamCreditsSettings


@hookimpl
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer the check as `upstream_credits`."""
    register("upstream_credits", UpstreamCredits, settings=UpstreamCreditsSettings)
