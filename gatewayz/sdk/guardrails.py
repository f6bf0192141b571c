"""Guardrails: what reads the text of calls before they are sent, and lets it pass, changes it, or refuses.

Source: spec 08 (hooks before the provider's call), docs/decisions/0194-guardrails-read-texts.md.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gatewayz.sdk.errors import RequestError

__all__ = ["GuardedCall", "Guardrail", "GuardrailBlocked"]


class GuardrailBlocked(RequestError):
    """A guardrail refuses the call. Its message is shown to the caller: it must not repeat what it found."""

    default_code = "guardrail_blocked"


class GuardedCall(msgspec.Struct, frozen=True, kw_only=True):
    """Whose call it is, and what it asks for."""

    request_id: str
    format: str
    """Wire format of the caller."""
    model: str
    """As the caller named it."""
    user_id: int | None = None
    key_id: int | None = None


class Guardrail(Protocol):
    """Judges the texts of a call. No network; quick: every call waits for it."""

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts as they may be sent, one for each, in order. Raises GuardrailBlocked."""
        ...
