"""The chat completions request as typed members, and the rules its values keep.

Large or rarely needed members (image URLs, JSON Schemas) stay bytes until someone asks.
Source: spec 01 §1.1, §1.2; https://platform.openai.com/docs/api-reference/chat/create (read 2026-11).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw

from gatewayz.dialects.request_decoding import RequestReader, RequestRules

__all__ = [
    "ROLES",
    "RULES",
    "CacheControl",
    "ChatBody",
    "ChatMessage",
    "ContentPart",
    "FileInput",
    "FunctionCall",
    "FunctionDefinition",
    "ImageUrl",
    "InputAudio",
    "JsonSchema",
    "NamedChoice",
    "ReasoningDetail",
    "ToolCall",
    "ToolDefinition",
    "body_reader",
]

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")

AtLeastOne = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _Member(msgspec.Struct, kw_only=True):
    """A part of a body; members it does not name are ignored."""


class CacheControl(_Member):
    """A prompt-cache breakpoint, as several providers of the format understand it."""

    type: str = "ephemeral"
    ttl: str | None = None


class ContentPart(_Member):
    """One part of a message's content, of any type."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Raw = Raw()
    input_audio: Raw = Raw()
    file: Raw = Raw()
    cache_control: CacheControl | None = None


class FunctionCall(_Member):
    """A name and JSON text."""

    name: str
    arguments: str = ""


class ToolCall(_Member):
    """One call the assistant made."""

    id: str
    type: str = "function"
    function: FunctionCall | None = None
    custom: Raw = Raw()
    extra_content: Any = None


class ReasoningDetail(_Member):
    """A block of reasoning with what its provider needs back. Source: OpenRouter `reasoning_details` (2026-11)."""

    type: str
    text: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    format: str | None = None


class ChatMessage(_Member):
    """One message of any role."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    function_call: FunctionCall | None = None
    audio: Raw = Raw()


class FunctionDefinition(_Member):
    """A function the model may call."""

    name: Annotated[str, Meta(min_length=1)]
    description: str | None = None
    parameters: Raw = Raw()
    strict: bool | None = None


class ToolDefinition(_Member):
    """A tool; types other than `function` belong to the provider."""

    type: str = "function"
    function: FunctionDefinition | None = None
    cache_control: CacheControl | None = None


class NamedFunction(_Member):
    """The name in a tool choice."""

    name: str


class NamedChoice(_Member):
    """A tool choice that names a tool."""

    type: str = "function"
    function: NamedFunction | None = None


class JsonSchema(_Member):
    """The schema of a response format."""

    name: str
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


class ResponseFormatMember(_Member):
    """The shape of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(_Member):
    """Options of a stream."""

    include_usage: bool | None = None


class ChatBody(_Member):
    """All members the gateway understands."""

    model: str
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: AtLeastOne | None = None
    max_completion_tokens: AtLeastOne | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: int | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    tools: list[ToolDefinition] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionDefinition] | None = None
    function_call: Literal["none", "auto"] | NamedFunction | None = None
    response_format: ResponseFormatMember | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = None
    user: str | None = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None


class ImageUrl(_Member):
    """An image by URL or data URL."""

    url: str
    detail: str | None = None


class InputAudio(_Member):
    """Spoken input as base64."""

    data: str
    format: str


class FileInput(_Member):
    """A file by id or as a data URL."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


RULES: Final = RequestRules(
    range_codes={
        "messages": "EMPTY_MESSAGES_ARRAY",
        "messages.role": "INVALID_ROLE",
        "temperature": "INVALID_TEMPERATURE",
    },
    type_codes={
        "messages": "INVALID_PARAMETER_TYPE",
        "messages.role": "INVALID_ROLE",
        "messages.content": "INVALID_MESSAGE_FORMAT",
        "stream": "INVALID_STREAM_PARAMETER",
    },
    bounds={
        "temperature": (0, 2),
        "top_p": (0, 1),
        "n": (1, 128),
        "frequency_penalty": (-2, 2),
        "presence_penalty": (-2, 2),
        "top_logprobs": (0, 20),
    },
    allowed={
        "messages.role": ROLES,
        "tool_choice": ("none", "auto", "required"),
        "function_call": ("none", "auto"),
        "response_format.type": ("text", "json_object", "json_schema"),
    },
)

body_reader: Final = RequestReader(ChatBody, RULES, frozenset(ChatBody.__struct_fields__))
