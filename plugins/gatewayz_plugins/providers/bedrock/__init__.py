"""Models on Amazon Bedrock by its converse API, signed or with a bearer key."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.bedrock.provider import BedrockProvider
from gatewayz_plugins.providers.bedrock.settings import BedrockSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `bedrock`."""
    register("bedrock", BedrockProvider, settings=BedrockSettings)
