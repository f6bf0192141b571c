"""A bound on the length of prompts."""

from gatewayz.sdk.hookspecs import GuardrailRegister, hookimpl
from gatewayz_plugins.guardrails.prompt_size.prompt_size import PromptSize, PromptSizeSettings


@hookimpl
def gatewayz_register_guardrails(register: GuardrailRegister) -> None:
    """Offer it as `prompt_size`."""
    register("prompt_size", PromptSize, settings=PromptSizeSettings)
