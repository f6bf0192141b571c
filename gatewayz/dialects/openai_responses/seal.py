"""How another provider's signed thinking travels inside a Responses `encrypted_content`.

A Responses client keeps reasoning items and sends them back unread, so the signature of an Anthropic
or Gemini thought is put into that field inside an envelope of ours, and taken out again on the next turn.
Source: docs/decisions/0025-foreign-thinking-in-encrypted-content.md.
"""

import base64
import binascii
from typing import Final

import msgspec

from gatewayz.sdk.chat import Reasoning
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = ["open_reasoning", "open_tool_signature", "seal_reasoning", "seal_tool_signature"]

_PREFIX: Final = "gwz1."


class _Envelope(msgspec.Struct, omit_defaults=True):
    origin: str = ""
    signature: str | None = None
    redacted: str | None = None
    tool_signature: str | None = None


def seal_reasoning(reasoning: Reasoning) -> str | None:
    """Return the `encrypted_content` of a reasoning item; None when there is nothing to carry."""
    if reasoning.signature is None and reasoning.redacted is None:
        return None
    if reasoning.origin == OPENAI_RESPONSES and reasoning.signature is None:
        return reasoning.redacted
    return _seal(_Envelope(origin=reasoning.origin or "", signature=reasoning.signature, redacted=reasoning.redacted))


def open_reasoning(encrypted: str | None, *, text: str, id: str | None) -> Reasoning:
    """Return the thinking of a reasoning item, under the format whose provider signed it."""
    envelope = _open(encrypted)
    if envelope is None:
        return Reasoning(text=text, redacted=encrypted, id=id, origin=OPENAI_RESPONSES if encrypted else None)
    return Reasoning(
        text=text, signature=envelope.signature, redacted=envelope.redacted, id=id, origin=envelope.origin or None
    )


def seal_tool_signature(signature: str) -> str:
    """Return the `encrypted_content` of the reasoning item that goes before a signed tool call."""
    return _seal(_Envelope(tool_signature=signature))


def open_tool_signature(encrypted: str | None) -> str | None:
    """Return the signature of the tool call that follows; None when the item is ordinary reasoning."""
    envelope = _open(encrypted)
    return envelope.tool_signature if envelope is not None else None


def _seal(envelope: _Envelope) -> str:
    return _PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(envelope)).decode()


def _open(encrypted: str | None) -> _Envelope | None:
    if encrypted is None or not encrypted.startswith(_PREFIX):
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(encrypted[len(_PREFIX) :]), type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error):
        return None  # not ours after all: carried as it is
