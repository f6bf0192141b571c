"""Any upstream that speaks OpenAI's wire formats: vendors differ by settings only, so a new one needs no Python."""

from gatewayz.sdk.hookspecs import ProviderRegister, hookimpl
from gatewayz_plugins.providers.openai_compatible.provider import OpenAICompatibleProvider
from gatewayz_plugins.providers.openai_compatible.settings import OpenAICompatibleSettings


@hookimpl
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer the provider as `openai_compatible`."""
    register("openai_compatible", OpenAICompatibleProvider, settings=OpenAICompatibleSettings)
