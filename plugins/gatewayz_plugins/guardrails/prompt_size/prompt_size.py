"""Refuses calls whose text is longer than their key may send."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked

__all__ = ["PromptSize", "PromptSizeSettings"]

Bound = Annotated[int, Meta(ge=1)]


class PromptSizeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Characters of all texts of a call together."""

    max_characters: Bound = 1_000_000
    keys: Mapping[str, Bound] = {}
    """Key id to the bound that holds for it instead."""


class PromptSize:
    """Counts characters."""

    def __init__(self, settings: PromptSizeSettings, context: PluginContext) -> None:
        self._settings = settings

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts. Raises GuardrailBlocked naming the bound."""
        settings = self._settings
        bound = settings.max_characters
        if call.key_id is not None:
            bound = settings.keys.get(str(call.key_id), bound)
        size = sum(map(len, texts))
        if size > bound:
            raise GuardrailBlocked(f"The prompt has {size} characters; at most {bound} may be sent.")
        return texts
