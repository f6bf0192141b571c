"""A provider without an upstream: it answers with what the user said last. For tests, first runs and as an example."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.echo.provider import EchoProvider, EchoSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `echo`."""
    register("echo", EchoProvider, settings=EchoSettings)
