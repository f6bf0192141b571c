"""The default router: offers in the catalog's order, those that cannot answer now left out or put last."""

from gatewayz.sdk.hookspecs import RouterRegister, hookimpl
from gatewayz_plugins.routers.failover.router import FailoverRouter, FailoverSettings


@hookimpl
def gatewayz_register_routers(register: RouterRegister) -> None:
    """Offer the router as `failover`."""
    register("failover", FailoverRouter, settings=FailoverSettings)
