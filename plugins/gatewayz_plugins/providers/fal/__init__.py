"""Pictures from fal; it has no chat."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.fal.provider import FalProvider
from gatewayz_plugins.providers.fal.settings import FalSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `fal`."""
    register("fal", FalProvider, settings=FalSettings)
