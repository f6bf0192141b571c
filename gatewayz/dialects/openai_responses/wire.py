"""The Responses API's requests, items and stream events, typed as far as the gateway reads them.

Unknown members are ignored here and kept elsewhere as bytes or raw values.
Source: OpenAI API reference, "Create a model response" (2026-11).
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = [
    "Body",
    "CallOutput",
    "ContentPart",
    "Item",
    "OutputContent",
    "OutputItem",
    "ReasoningOptions",
    "SchemaFormat",
    "StreamEvent",
    "StreamOptions",
    "SummaryPart",
    "TextOptions",
    "WireTool",
]

Penalty = Annotated[float, Meta(ge=-2, le=2)]


class ContentPart(msgspec.Struct):
    """One part of a message or of a tool's output; `type` says which members count."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: str | dict[str, Any] | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: dict[str, Any] | None = None


class SummaryPart(msgspec.Struct):
    """A piece of readable thinking."""

    text: str = ""


CallOutput = str | list[ContentPart] | dict[str, Any] | None


class Item(msgspec.Struct):
    """One input item; a missing type means a message."""

    type: str | None = None
    role: str | None = None
    content: str | list[ContentPart] | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | dict[str, Any] | None = None
    input: str | None = None
    output: CallOutput = None
    summary: list[SummaryPart] | None = None
    encrypted_content: str | None = None


class WireTool(msgspec.Struct):
    """A tool, flat; `function` is the nested form of chat completions that some clients send here too."""

    type: str = "function"
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: dict[str, Any] | None = None
    function: "WireTool | None" = None


class SchemaFormat(msgspec.Struct):
    """The answer's shape: flat in `text.format`, nested under `json_schema` in `response_format`."""

    type: str = "text"
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    json_schema: "SchemaFormat | None" = None


class TextOptions(msgspec.Struct):
    """The `text` member."""

    format: SchemaFormat | None = None
    verbosity: str | None = None


class ReasoningOptions(msgspec.Struct):
    """The `reasoning` member."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class StreamOptions(msgspec.Struct):
    """The `stream_options` member."""

    include_obfuscation: bool | None = None


class Body(msgspec.Struct):
    """The whole request."""

    model: Annotated[str, Meta(min_length=1)]
    input: str | list[Item] | None = None
    instructions: str | list[Item] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_tool_calls: int | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: list[WireTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    response_format: SchemaFormat | None = None
    reasoning: ReasoningOptions | None = None
    include: list[str] | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    truncation: str | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    provider: str | None = None


class OutputContent(msgspec.Struct):
    """One part of an answer's message."""

    type: str
    text: str = ""
    refusal: str = ""
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class OutputItem(msgspec.Struct):
    """One item of an answer; what hosted tools produce is carried whole, not read here."""

    type: str
    id: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str | dict[str, Any] | None = None
    content: list[OutputContent] | None = None
    summary: list[SummaryPart] | None = None
    encrypted_content: str | None = None


class StreamEvent(msgspec.Struct):
    """One event of a stream; `type` says which members count."""

    type: str = ""
    output_index: int = 0
    summary_index: int = 0
    delta: str | dict[str, Any] | None = None
    logprobs: list[Any] | None = None
    item: OutputItem | None = None
    response: dict[str, Any] | None = None
    error: Any = None
    code: str | int | None = None
    message: str | None = None
