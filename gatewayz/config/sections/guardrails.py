"""Settings of guardrails."""

from typing import Literal

from gatewayz.config.sections.plugins import PluginEntry

__all__ = ["GuardrailEntry"]


class GuardrailEntry(PluginEntry, frozen=True, kw_only=True):
    """An instance of a guardrail; every key that is not here is the plugin's."""

    on_error: Literal["refuse", "pass"] = "refuse"
    """What becomes of a call whose guardrail is broken or too slow."""
