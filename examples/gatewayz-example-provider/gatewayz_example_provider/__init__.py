"""A provider whose upstream wants every request signed."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_example_provider.provider import SignedProvider
from gatewayz_example_provider.settings import SignedSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `signed_openai`."""
    register("signed_openai", SignedProvider, settings=SignedSettings)
