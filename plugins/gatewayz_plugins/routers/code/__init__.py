"""The code router: a model for a programming task, by the class of the task and tiers of models."""

from gatewayz.sdk.hookspecs import RouterRegister, hookimpl
from gatewayz_plugins.routers.code.router import CodeRouter
from gatewayz_plugins.routers.code.settings import CodeSettings


@hookimpl
def gatewayz_register_routers(register: RouterRegister) -> None:
    """Offer the router as `code`."""
    register("code", CodeRouter, settings=CodeSettings)
