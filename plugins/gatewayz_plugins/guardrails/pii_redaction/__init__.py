"""Personal data in prompts."""

from gatewayz.sdk.hookspecs import GuardrailRegister, hookimpl
from gatewayz_plugins.guardrails.pii_redaction.redaction import PiiRedaction, PiiSettings


@hookimpl
def gatewayz_register_guardrails(register: GuardrailRegister) -> None:
    """Offer it as `pii_redaction`."""
    register("pii_redaction", PiiRedaction, settings=PiiSettings)
