"""Cohere's chat and embeddings, version 2."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.cohere.provider import CohereProvider
from gatewayz_plugins.providers.cohere.settings import CohereSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `cohere`."""
    register("cohere", CohereProvider, settings=CohereSettings)
