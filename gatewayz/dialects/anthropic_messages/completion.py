"""Whole messages, read and written. Source: spec 01 §4; https://docs.anthropic.com/en/api/messages (read 2026-11)."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from gatewayz.dialects.anthropic_messages.blocks import tool_input
from gatewayz.dialects.anthropic_usage import render_anthropic_usage, usage_from_anthropic
from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import (
    Choice,
    Completion,
    FinishReason,
    ModelCall,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolUse,
)
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["STOP_REASONS", "STOP_WORDS", "message_id", "parse_completion", "render_completion"]

STOP_REASONS: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
STOP_WORDS: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "stop_sequence": "stop_sequence",
    "error": "end_turn",
}
_ID_PREFIX: Final = "msg_"


class ReplyBlock(msgspec.Struct, kw_only=True):
    """A content block of an answer."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    citations: list[Any] | None = None


class Reply(msgspec.Struct, kw_only=True):
    """A whole message; `error` in its place tells of a failure."""

    id: str = ""
    model: str = ""
    content: list[ReplyBlock] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Raw = Raw()
    error: Any = None


_REPLY: Final = msgspec.json.Decoder(Reply)
_CONTENT: Final = msgspec.json.Decoder(dict[str, Raw])
_BLOCKS: Final = msgspec.json.Decoder(list[dict[str, Any]])


def parse_completion(body: bytes) -> Completion:
    """Return a whole answer. Raises UpstreamBroken when it is not one, the error it tells of when it is an error.

    The format says nothing of the time: `created` is 0.
    """
    try:
        reply = _REPLY.decode(body)
        if reply.error:
            raise error_from_object(reply.error)
        if reply.content is None:
            raise UpstreamBroken("the provider's answer has no content")
        parts = tuple(_parse_block(block, index, body) for index, block in enumerate(reply.content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise UpstreamBroken("the provider's answer is not a message") from err
    choice = Choice(
        parts=parts,
        finish_reason=STOP_REASONS.get(reply.stop_reason or "", "stop"),
        stop_sequence=reply.stop_sequence,
    )
    return Completion(
        id=reply.id, model=reply.model, created=0, choices=(choice,), usage=usage_from_anthropic(reply.usage)
    )


def _parse_block(block: ReplyBlock, index: int, body: bytes) -> Part:
    match block.type:
        case "text":
            extra = {"citations": block.citations} if block.citations else None
            return Text(text=block.text or "", extra=extra)
        case "thinking":
            return Reasoning(text=block.thinking or "", signature=block.signature or None, origin=ANTHROPIC_MESSAGES)
        case "redacted_thinking":
            return Reasoning(redacted=block.data, origin=ANTHROPIC_MESSAGES)
        case "tool_use":
            if not block.id or not block.name:
                raise UpstreamBroken("the provider called a tool without naming it")
            arguments = bytes(block.input).decode() if memoryview(block.input) else "{}"
            return ToolUse(id=block.id, name=block.name, arguments=arguments)
    return Opaque(format=ANTHROPIC_MESSAGES, value=_BLOCKS.decode(_CONTENT.decode(body)["content"])[index])


def render_completion(completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
    """Return a whole message; the format knows one choice, so others are left out."""
    choice = completion.choices[0] if completion.choices else Choice()
    rendered = {
        "id": message_id(completion.id),
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": [block for part in choice.parts if (block := _render_part(part)) is not None],
        "stop_reason": STOP_WORDS[choice.finish_reason],
        "stop_sequence": choice.stop_sequence,
        "usage": render_anthropic_usage(completion.usage),
        "gateway_usage": gateway_usage,
    }
    return msgspec.json.encode(rendered)


def message_id(id: str) -> str:
    """Return an id of the form clients know; another provider's id stays visible in it."""
    return id if id.startswith(_ID_PREFIX) else _ID_PREFIX + id


def _render_part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text, **(part.extra or {"citations": None})} if part.text else None
        case Refusal():
            return {"type": "text", "text": part.text, "citations": None} if part.text else None
        case Reasoning():
            return _render_reasoning(part)
        case ToolUse():
            block = {"type": "tool_use", "id": part.id, "name": part.name}
            return {**block, "input": tool_input(part.arguments)}
        case Opaque(format="anthropic_messages"):
            return dict(part.value)
    return None


def _render_reasoning(part: Reasoning) -> dict[str, Any] | None:
    """Thinking of other providers is shown without a signature: theirs would mean nothing here."""
    own = part.origin == ANTHROPIC_MESSAGES
    if own and part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if not part.text and not (own and part.signature):
        return None
    return {"type": "thinking", "thinking": part.text, "signature": (part.signature or "") if own else ""}
