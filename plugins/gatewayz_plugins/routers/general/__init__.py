"""The general router: a model for any prompt, by quality, cost, latency, or a balance of them."""

from gatewayz.sdk.hookspecs import RouterRegister, hookimpl
from gatewayz_plugins.routers.general.router import GeneralRouter
from gatewayz_plugins.routers.general.settings import GeneralSettings


@hookimpl
def gatewayz_register_routers(register: RouterRegister) -> None:
    """Offer the router as `general`."""
    register("general", GeneralRouter, settings=GeneralSettings)
