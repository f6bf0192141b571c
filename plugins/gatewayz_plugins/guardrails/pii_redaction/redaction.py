"""Masks personal data in calls, or refuses them."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked
from gatewayz_plugins.guardrails.pii_redaction.kinds import KINDS, Kind, redacted

__all__ = ["PiiRedaction", "PiiSettings"]


class PiiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for, and what becomes of it."""

    action: Literal["mask", "block"] = "mask"
    kinds: tuple[Kind, ...] = tuple(KINDS)


class PiiRedaction:
    """Looks for shapes, and where there is a checksum, for one that is right."""

    def __init__(self, settings: PiiSettings, context: PluginContext) -> None:
        self._action = settings.action
        self._kinds = tuple(kind for kind in KINDS if kind in settings.kinds)

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts with `[EMAIL]` and the like in place of what was found. Raises GuardrailBlocked."""
        changed: list[str] = []
        found: set[Kind] = set()
        for text in texts:
            clean, kinds = await redacted(text, self._kinds)
            changed.append(clean)
            found |= kinds
        if found and self._action == "block":
            names = ", ".join(sorted(found)).replace("_", " ")
            raise GuardrailBlocked(f"The call holds personal data ({names}), which may not be sent.")
        return changed
