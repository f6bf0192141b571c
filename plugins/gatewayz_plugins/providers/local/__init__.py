"""A small real language model on this machine, in a process of its own: answers without any key or network."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.local.provider import LocalProvider
from gatewayz_plugins.providers.local.settings import LocalSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `local`."""
    register("local", LocalProvider, settings=LocalSettings)
