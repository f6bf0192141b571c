"""OpenAI models in deployments of an Azure resource."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.azure_openai.provider import AzureOpenAIProvider
from gatewayz_plugins.providers.azure_openai.settings import AzureOpenAISettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `azure_openai`."""
    register("azure_openai", AzureOpenAIProvider, settings=AzureOpenAISettings)
