"""The messages request as typed members, and the rules its values keep.

Source: spec 01 §4; https://docs.anthropic.com/en/api/messages (read 2026-11).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw

from gatewayz.dialects.request_decoding import RequestReader, RequestRules

__all__ = [
    "RULES",
    "Block",
    "CacheControl",
    "MessageMember",
    "MessagesBody",
    "Source",
    "ThinkingMember",
    "ToolChoiceMember",
    "ToolMember",
    "body_reader",
]


class _Member(msgspec.Struct, kw_only=True):
    """A part of a body; members it does not name are ignored."""


class CacheControl(_Member):
    """A prompt-cache breakpoint."""

    type: str = "ephemeral"
    ttl: str | None = None


class Block(_Member):
    """A content block of any type."""

    type: str
    text: str | None = None
    source: Raw = Raw()
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    content: "str | list[Block] | dict[str, Any] | None" = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    title: str | None = None
    context: str | None = None
    citations: Raw = Raw()
    cache_control: CacheControl | None = None


class Source(_Member):
    """Where an image or a document is."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class MessageMember(_Member):
    """One turn; `system` inside a conversation is a newer addition."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class ToolMember(_Member):
    """A tool; with a `type` other than `custom` the provider runs or defines it."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: Raw = Raw()
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceMember(_Member):
    """Which tool must be used."""

    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingMember(_Member):
    """Whether and how much to think."""

    type: str
    budget_tokens: int | None = None


class OutputFormat(_Member):
    """The shape of the answer."""

    type: str
    schema: Raw = Raw()


class OutputConfig(_Member):
    """Shape of the answer and effort."""

    effort: str | None = None
    format: OutputFormat | None = None


class MessagesBody(_Member):
    """All members the gateway understands."""

    model: str
    messages: Annotated[list[MessageMember], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    system: str | list[Block] | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    tools: list[ToolMember] | None = None
    tool_choice: ToolChoiceMember | None = None
    thinking: ThinkingMember | None = None
    output_config: OutputConfig | None = None
    thread: Raw = Raw()


RULES: Final = RequestRules(
    range_codes={
        "messages": "EMPTY_MESSAGES_ARRAY",
        "messages.role": "INVALID_ROLE",
        "temperature": "INVALID_TEMPERATURE",
    },
    type_codes={
        "messages.role": "INVALID_ROLE",
        "messages.content": "INVALID_MESSAGE_FORMAT",
        "stream": "INVALID_STREAM_PARAMETER",
    },
    bounds={"temperature": (0, 1), "top_p": (0, 1)},
    allowed={
        "messages.role": ("user", "assistant"),
        "tool_choice.type": ("auto", "any", "none", "tool"),
    },
)

body_reader: Final = RequestReader(MessagesBody, RULES, frozenset(MessagesBody.__struct_fields__))
