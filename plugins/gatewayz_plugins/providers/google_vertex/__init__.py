"""Gemini models on Google Cloud's Vertex AI, with a service account."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.google_vertex.provider import GoogleVertexProvider
from gatewayz_plugins.providers.google_vertex.settings import GoogleVertexSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `google_vertex`."""
    register("google_vertex", GoogleVertexProvider, settings=GoogleVertexSettings)
