"""Google's Gemini API with an API key of AI Studio."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.gemini.provider import GeminiProvider
from gatewayz_plugins.providers.gemini.settings import GeminiSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `gemini`."""
    register("gemini", GeminiProvider, settings=GeminiSettings)
