"""Conversations seen by who adds to them: the last that a user said, and a text put first, in three formats.

Source: spec 01 §1.7.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw

from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, Format

__all__ = ["GROUNDING", "Grounding"]

_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_TEXTS: Final = ("text", "input_text")
"""Types of the parts that are text, in chat and messages, and in responses."""


class Grounding(Protocol):
    """One format."""

    def last_said(self, body: bytes) -> str:
        """Return the text of the last user message that has any; empty where there is none."""
        ...

    def with_context(self, body: bytes, context: str) -> bytes:
        """Return a call's body with a text in front of all its instructions; the rest stays as it was sent."""
        ...


class _Message(msgspec.Struct, frozen=True):
    role: str | None = None
    content: Any = None


class _Messages(msgspec.Struct, frozen=True):
    messages: list[_Message] = []


class _Input(msgspec.Struct, frozen=True):
    input: str | list[_Message] | None = None


class _Chat:
    """OpenAI's chat: instructions are messages."""

    def last_said(self, body: bytes) -> str:
        return _last(msgspec.json.decode(body, type=_Messages).messages)

    def with_context(self, body: bytes, context: str) -> bytes:
        members = _MEMBERS.decode(body)
        first = _raw({"role": "system", "content": context})
        members["messages"] = _raw([first, *_RAWS.decode(members["messages"])])
        return msgspec.json.encode(members)


class _AnthropicMessages:
    """Anthropic's messages: instructions are a text or blocks."""

    def last_said(self, body: bytes) -> str:
        return _last(msgspec.json.decode(body, type=_Messages).messages)

    def with_context(self, body: bytes, context: str) -> bytes:
        members = _MEMBERS.decode(body)
        own = msgspec.json.decode(members.get("system", b"null"))
        blocks = [{"type": "text", "text": own}] if isinstance(own, str) and own else own or []
        members["system"] = _raw([{"type": "text", "text": context}, *blocks])
        return msgspec.json.encode(members)


class _Responses:
    """OpenAI's responses: instructions are a text, or items."""

    def last_said(self, body: bytes) -> str:
        said = msgspec.json.decode(body, type=_Input).input
        return said if isinstance(said, str) else _last(said or [])

    def with_context(self, body: bytes, context: str) -> bytes:
        members = _MEMBERS.decode(body)
        own = msgspec.json.decode(members.get("instructions", b"null"))
        if isinstance(own, list):
            members["instructions"] = _raw([{"role": "developer", "content": context}, *own])
        else:
            members["instructions"] = _raw(f"{context}\n\n{own}" if own else context)
        return msgspec.json.encode(members)


def _last(messages: Iterable[_Message]) -> str:
    said = [text for each in messages if each.role == "user" and (text := _text(each.content))]
    return said[-1] if said else ""


def _text(content: Any) -> str:
    """Return the text of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") in _TEXTS]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


GROUNDING: Final[Mapping[Format, Grounding]] = {
    OPENAI_CHAT: _Chat(),
    ANTHROPIC_MESSAGES: _AnthropicMessages(),
    OPENAI_RESPONSES: _Responses(),
}
"""The formats that can be added to."""
