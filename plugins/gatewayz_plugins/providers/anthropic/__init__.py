"""Anthropic's messages API, and any upstream that speaks it."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.anthropic.provider import AnthropicProvider
from gatewayz_plugins.providers.anthropic.settings import AnthropicSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `anthropic`."""
    register("anthropic", AnthropicProvider, settings=AnthropicSettings)
