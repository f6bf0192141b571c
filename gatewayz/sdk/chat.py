"""Core values of a conversation: what every wire format is translated to and from.

All values are frozen. `extra` carries fields of the same wire format that the core does not
know, unchanged; a dialect that renders *another* format lists what it could not carry.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = [
    "Audio",
    "CacheMark",
    "Choice",
    "ChoiceFinished",
    "Completion",
    "Document",
    "Embedding",
    "EmbeddingCall",
    "Embeddings",
    "Event",
    "FinishReason",
    "Image",
    "LogprobsDelta",
    "Message",
    "ModelCall",
    "Opaque",
    "Part",
    "Reasoning",
    "ReasoningConfig",
    "ReasoningDelta",
    "Refusal",
    "RefusalDelta",
    "ResponseFormat",
    "Role",
    "StreamStarted",
    "Text",
    "TextDelta",
    "Tool",
    "ToolArgumentsDelta",
    "ToolChoice",
    "ToolResult",
    "ToolUse",
    "ToolUseStarted",
    "UsageReported",
]

Role = Literal["system", "developer", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "stop_sequence", "error"]


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen, compared by value."""


class CacheMark(_Value, frozen=True, kw_only=True):
    """A prompt-cache breakpoint after the part that carries it (Anthropic `cache_control`)."""

    ttl: str | None = None


class Text(_Value, frozen=True, kw_only=True, tag="text"):
    """Plain text."""

    text: str
    cache: CacheMark | None = None
    extra: Mapping[str, Any] | None = None
    """Same-format fields, such as `citations` or `annotations`."""


class Image(_Value, frozen=True, kw_only=True, tag="image"):
    """A picture, by URL or as base64 text; exactly one of `url` and `data` is set."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    """Set with `data`: `image/png` and the like."""
    detail: str | None = None
    cache: CacheMark | None = None


class Audio(_Value, frozen=True, kw_only=True, tag="audio"):
    """Spoken input as base64 text; `format` is `wav`, `mp3`, ..."""

    data: str
    format: str


class Document(_Value, frozen=True, kw_only=True, tag="document"):
    """A file put into the prompt; exactly one of `url`, `data` (base64), `text`, `file_id` is set."""

    url: str | None = None
    data: str | None = None
    text: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    title: str | None = None
    cache: CacheMark | None = None
    extra: Mapping[str, Any] | None = None


class Reasoning(_Value, frozen=True, kw_only=True, tag="reasoning"):
    """Thinking of the model. Opaque provider data: goes back unchanged to the provider it came from."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    """Encrypted thinking (Anthropic `redacted_thinking.data`, OpenAI `encrypted_content`)."""
    id: str | None = None
    origin: str | None = None
    """Wire format whose provider signed it; a dialect of another format drops the signature and says so."""


class ToolUse(_Value, frozen=True, kw_only=True, tag="tool_use"):
    """The model asks for a tool. `arguments` is JSON text, exactly as the provider wrote it."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None
    signature: str | None = None
    """Opaque thought signature (Gemini) that must return with the call."""


class Refusal(_Value, frozen=True, kw_only=True, tag="refusal"):
    """The model declines to answer (OpenAI `refusal`)."""

    text: str


class Opaque(_Value, frozen=True, kw_only=True, tag="opaque"):
    """A block only its own wire format understands; carried to that format alone."""

    format: str
    value: Mapping[str, Any]


class ToolResult(_Value, frozen=True, kw_only=True, tag="tool_result"):
    """What a tool answered."""

    tool_use_id: str
    parts: tuple["Text | Image | Document | Opaque", ...] = ()
    is_error: bool = False
    cache: CacheMark | None = None


Part = Text | Image | Audio | Document | Reasoning | ToolUse | ToolResult | Refusal | Opaque


class Message(_Value, frozen=True, kw_only=True):
    """One turn. Tool results are parts of a `tool` message, one message for each run of results."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(_Value, frozen=True, kw_only=True):
    """A function the model may ask for; `parameters` is its JSON Schema."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    cache: CacheMark | None = None


class ToolChoice(_Value, frozen=True, kw_only=True):
    """Which tool the model must use; `name` only with mode `named`."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None


class ResponseFormat(_Value, frozen=True, kw_only=True):
    """The shape of the answer; `schema` only with kind `json_schema`."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None


class ReasoningConfig(_Value, frozen=True, kw_only=True):
    """How much the model may think, as effort word or token budget (Anthropic `thinking`)."""

    enabled: bool = True
    effort: str | None = None
    """none, minimal, low, medium, high, ..."""
    budget_tokens: int | None = None
    adaptive: bool = False
    """The model itself decides when to think (Anthropic `adaptive`), beside or without an effort word."""
    summary: str | None = None


class ModelCall(_Value, frozen=True, kw_only=True):
    """A conversation to be continued. System text is a message of role `system` (or `developer`)."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    opaque_tools: tuple[Opaque, ...] = ()
    """Tools a provider runs itself (`web_search_...`): only their own format can carry them."""
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    n: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningConfig | None = None
    user: str | None = None
    service_tier: str | None = None
    metadata: Mapping[str, Any] | None = None
    stream: bool = False
    include_usage: bool = False
    """The caller asked for a usage chunk in a stream."""
    format: str = ""
    """Wire format it was parsed from; `extra` belongs to that format."""
    extra: Mapping[str, Any] | None = None


class Choice(_Value, frozen=True, kw_only=True):
    """One answer."""

    index: int = 0
    parts: tuple[Part, ...] = ()
    finish_reason: FinishReason = "stop"
    stop_sequence: str | None = None
    logprobs: Mapping[str, Any] | None = None
    """OpenAI's shape: `{"content": [{"token", "logprob", "bytes", "top_logprobs"}]}`."""


class Completion(_Value, frozen=True, kw_only=True):
    """A whole answer."""

    id: str
    model: str
    created: int
    """Unix seconds."""
    choices: tuple[Choice, ...]
    usage: Usage = NO_USAGE
    service_tier: str | None = None
    dropped: tuple[str, ...] = ()
    """Parameters the upstream format could not carry, as the core names them."""


# Events of a stream, in the order a provider sends them: StreamStarted, then deltas, then one
# ChoiceFinished for each choice; UsageReported may come anywhere after StreamStarted, the last one counts.


class StreamStarted(_Value, frozen=True, kw_only=True, tag="started"):
    """The answer begins."""

    id: str
    model: str
    created: int
    dropped: tuple[str, ...] = ()
    """Parameters the upstream format could not carry, as the core names them."""


class TextDelta(_Value, frozen=True, kw_only=True, tag="text_delta"):
    """More visible text."""

    text: str
    choice: int = 0


class ReasoningDelta(_Value, frozen=True, kw_only=True, tag="reasoning_delta"):
    """More thinking; a signature closes the block it belongs to."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    origin: str | None = None
    choice: int = 0


class RefusalDelta(_Value, frozen=True, kw_only=True, tag="refusal_delta"):
    """More of a refusal."""

    text: str
    choice: int = 0


class ToolUseStarted(_Value, frozen=True, kw_only=True, tag="tool_started"):
    """A tool call begins; `index` counts the calls of this answer from 0."""

    index: int
    id: str
    name: str
    choice: int = 0
    signature: str | None = None


class ToolArgumentsDelta(_Value, frozen=True, kw_only=True, tag="tool_arguments"):
    """More of the JSON text of one call's arguments, at any split."""

    index: int
    arguments: str
    choice: int = 0


class LogprobsDelta(_Value, frozen=True, kw_only=True, tag="logprobs"):
    """Log probabilities of the text delta that came just before."""

    logprobs: Mapping[str, Any]
    choice: int = 0


class ChoiceFinished(_Value, frozen=True, kw_only=True, tag="finished"):
    """One answer is complete."""

    reason: FinishReason
    stop_sequence: str | None = None
    choice: int = 0


class UsageReported(_Value, frozen=True, kw_only=True, tag="usage"):
    """The provider's count so far; a later report replaces an earlier one."""

    usage: Usage


Event = (
    StreamStarted
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolUseStarted
    | ToolArgumentsDelta
    | LogprobsDelta
    | ChoiceFinished
    | UsageReported
)


class EmbeddingCall(_Value, frozen=True, kw_only=True):
    """Texts (or lists of token ids) to embed."""

    model: str
    inputs: tuple[str, ...] | tuple[tuple[int, ...], ...]
    dimensions: int | None = None
    user: str | None = None
    extra: Mapping[str, Any] | None = None


class Embedding(_Value, frozen=True, kw_only=True):
    """One vector."""

    index: int
    vector: tuple[float, ...]


class Embeddings(_Value, frozen=True, kw_only=True):
    """The vectors, in the order of the inputs."""

    model: str
    vectors: tuple[Embedding, ...]
    usage: Usage = NO_USAGE
