"""The guardrails that come with the gateway keep the contract."""

from typing import Any

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.testing import GuardrailContract
from gatewayz_plugins.guardrails.pii_redaction.redaction import PiiRedaction, PiiSettings
from gatewayz_plugins.guardrails.prompt_size.prompt_size import PromptSize, PromptSizeSettings


class TestPromptSize(GuardrailContract):
    module = "gatewayz_plugins.guardrails.prompt_size"
    settings = PromptSizeSettings
    sample = {"max_characters": 5_000}
    refused = "x" * 5_001

    def build(self, settings: Any, context: PluginContext) -> PromptSize:
        return PromptSize(settings, context)


class TestPiiRedaction(GuardrailContract):
    module = "gatewayz_plugins.guardrails.pii_redaction"
    settings = PiiSettings
    sample = {"action": "block"}
    refused = "jo@example.com"

    def build(self, settings: Any, context: PluginContext) -> PiiRedaction:
        return PiiRedaction(settings, context)
