"""Answers and chunks of chat completions as typed members; vendors vary, so little is required.

Source: https://platform.openai.com/docs/api-reference/chat/object and /chat/streaming (read 2026-11).
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw

from gatewayz.dialects.openai_chat.wire import ReasoningDetail
from gatewayz.sdk.chat import FinishReason

__all__ = [
    "Chunk",
    "ChunkChoice",
    "Delta",
    "FunctionDelta",
    "Reply",
    "ReplyChoice",
    "ToolCallDelta",
    "finish_reason",
    "text_of",
    "unix_seconds",
]

_FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}


SmallInt = Annotated[int, Meta(ge=0, le=4095)]


class _Member(msgspec.Struct, kw_only=True, gc=False):
    """A part of an answer; members it does not name are ignored."""


class FunctionDelta(_Member):
    """A piece of a function call; some vendors send arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCallDelta(_Member):
    """A piece of a tool call."""

    index: SmallInt | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionDelta | None = None
    extra_content: Any = None


class Delta(_Member):
    """A piece of a message, or a whole one."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    reasoning_details: list[ReasoningDetail] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    function_call: FunctionDelta | None = None


class ChunkChoice(_Member):
    """One choice of a chunk."""

    index: SmallInt = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class Chunk(_Member):
    """One event of a stream."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[ChunkChoice] | None = None
    usage: Raw = Raw()
    x_groq: dict[str, Any] | None = None
    error: Any = None


class ReplyChoice(_Member):
    """One choice of an answer."""

    index: SmallInt = 0
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class Reply(_Member):
    """A whole answer."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[ReplyChoice] | None = None
    usage: Raw = Raw()
    service_tier: str | None = None
    error: Any = None


def finish_reason(word: str, *, called_tools: bool) -> FinishReason:
    """Return the core's reason; a vendor that says `stop` after tool calls means `tool_calls`."""
    reason = _FINISH_REASONS.get(word, "stop")
    return "tool_calls" if called_tools and reason == "stop" else reason


def unix_seconds(created: int | float | None) -> int:
    """Return a time stamp as a sane whole number; 0 when there is none."""
    return int(created) if created is not None and 0 <= created < 2**53 else 0


def text_of(content: str | list[Any] | None) -> str:
    """Return visible text, given as text or as parts."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = (part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str))
