"""A hub that answers without a network, from figures recorded once."""

from gatewayz.sdk.hookspecs import HubRegister, hookimpl
from gatewayz_plugins.hub.seeded.hub import SeededHub, SeededSettings


@hookimpl
def gatewayz_register_hubs(register: HubRegister) -> None:
    """Offer the hub as `seeded`."""
    register("seeded", SeededHub, settings=SeededSettings)
