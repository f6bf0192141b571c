"""The Hugging Face Hub, by its HTTP API."""

from gatewayz.sdk.hookspecs import HubRegister, hookimpl
from gatewayz_plugins.hub.huggingface.hub import HuggingFaceHub
from gatewayz_plugins.hub.huggingface.settings import HuggingFaceSettings


@hookimpl
def gatewayz_register_hubs(register: HubRegister) -> None:
    """Offer the hub as `huggingface`."""
    register("huggingface", HuggingFaceHub, settings=HuggingFaceSettings)
