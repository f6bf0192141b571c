"""A router that shares calls out over the offers of a model; a conversation stays with one of them."""

from gatewayz.sdk.hookspecs import RouterRegister, hookimpl
from gatewayz_plugins.routers.balanced.router import BalancedRouter
from gatewayz_plugins.routers.balanced.settings import BalancedSettings


@hookimpl
def gatewayz_register_routers(register: RouterRegister) -> None:
    """Offer the router as `balanced`."""
    register("balanced", BalancedRouter, settings=BalancedSettings)
