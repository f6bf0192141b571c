"""What an upstream of a format says on the wire: the scripts that contract tests play."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import UpstreamError, UpstreamOverloaded
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, Format

__all__ = ["ANTHROPIC_SCRIPT", "OPENAI_CHAT_SCRIPT", "OPENAI_RESPONSES_SCRIPT", "SCRIPT_USAGE", "WireScript"]

SCRIPT_USAGE: Final = Usage(input_tokens=9, cache_read_tokens=2, output_tokens=4)
"""What every script's answers report, in its format's own way of counting."""


@dataclass(frozen=True)
class WireScript:
    """One format. Texts given to `answer` and `stream` come back as the visible text."""

    format: Format
    model: str
    target: str
    """Path and query of a call, behind the base URL; `{model}` is the model as it is sent."""
    answer: Callable[[str], bytes]
    stream: Callable[[str], tuple[bytes, ...]]
    """Events of a stream, one piece each."""
    stream_target: str | None = None
    """Where streams go, when elsewhere."""
    stream_type: bytes = b"text/event-stream"
    stream_error: tuple[bytes, ...] = ()
    """A stream under status 200 that fails before its first content."""
    stream_error_class: type[UpstreamError] = UpstreamOverloaded
    usage: Usage = SCRIPT_USAGE
    error: Callable[[str], bytes] = lambda message: msgspec.json.encode({"error": {"message": message}})
    """An error body with this message."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Members of a same-format call beside `model`, one of them unknown to everybody."""

    @property
    def is_text(self) -> bool:
        """True for event streams, which bear comments and other line ends."""
        return self.stream_type == b"text/event-stream"


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _sse(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + _json(value) + b"\n\n"


def _halves(text: str) -> tuple[str, str]:
    middle = max(1, len(text) // 2)
    return text[:middle], text[middle:]


_OPENAI_USAGE: Final = {
    "prompt_tokens": 11,
    "completion_tokens": 4,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
}
_OPENAI_BASE: Final = {"id": "chatcmpl-1", "created": 1790000000, "model": "m-1"}


def _openai_chunk(**choice: Any) -> bytes:
    return _sse(
        {**_OPENAI_BASE, "object": "chat.completion.chunk", "choices": [{"index": 0, "finish_reason": None, **choice}]}
    )


def _openai_answer(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return _json({**_OPENAI_BASE, "object": "chat.completion", "choices": choices, "usage": _OPENAI_USAGE})


def _openai_stream(text: str) -> tuple[bytes, ...]:
    return (
        _openai_chunk(delta={"role": "assistant", "content": ""}),
        *(_openai_chunk(delta={"content": half}) for half in _halves(text)),
        _openai_chunk(delta={}, finish_reason="stop"),
        _sse({**_OPENAI_BASE, "object": "chat.completion.chunk", "choices": [], "usage": _OPENAI_USAGE}),
        b"data: [DONE]\n\n",
    )


OPENAI_CHAT_SCRIPT: Final = WireScript(
    format=OPENAI_CHAT,
    model="m-1",
    target="/chat/completions",
    answer=_openai_answer,
    stream=_openai_stream,
    stream_error=(_sse({"error": {"message": "busy", "type": "server_overloaded", "code": 503}}),),
    fields={"messages": [{"role": "user", "content": "hé"}], "temperature": 0.5, "x_unknown": {"a": [1, None]}},
)


def _anthropic_answer(text: str) -> bytes:
    return _json(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m-1",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 4},
        }
    )


def _anthropic_stream(text: str) -> tuple[bytes, ...]:
    usage = {"input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": [], "usage": usage}
    events: tuple[dict[str, Any], ...] = (
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": half}}
            for half in _halves(text)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )
    return tuple(_sse(event, event["type"]) for event in events)


ANTHROPIC_SCRIPT: Final = WireScript(
    format=ANTHROPIC_MESSAGES,
    model="m-1",
    target="/messages",
    answer=_anthropic_answer,
    stream=_anthropic_stream,
    stream_error=(_sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),),
    error=lambda message: _json({"type": "error", "error": {"type": "invalid_request_error", "message": message}}),
    fields={"messages": [{"role": "user", "content": "hé"}], "max_tokens": 64, "x_unknown": {"a": [1, None]}},
)

_RESPONSES_USAGE: Final = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 15,
}


def _response(text: str | None, status: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1790000000,
        "model": "m-1",
        "status": status,
        "output": [] if text is None else [message],
        "usage": None if text is None else _RESPONSES_USAGE,
    }


def _responses_stream(text: str) -> tuple[bytes, ...]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    done = _response(text, "completed")
    events: tuple[dict[str, Any], ...] = (
        {"type": "response.created", "response": _response(None, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {
            "type": "response.content_part.added",
            **place,
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        *({"type": "response.output_text.delta", **place, "delta": half} for half in _halves(text)),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.output_item.done", "output_index": 0, "item": done["output"][0]},
        {"type": "response.completed", "response": done},
    )
    return tuple(_sse({**event, "sequence_number": n}, event["type"]) for n, event in enumerate(events))


OPENAI_RESPONSES_SCRIPT: Final = WireScript(
    format=OPENAI_RESPONSES,
    model="m-1",
    target="/responses",
    answer=lambda text: _json(_response(text, "completed")),
    stream=_responses_stream,
    stream_error=(_sse({"type": "error", "code": "server_overloaded", "message": "busy", "sequence_number": 0}),),
    fields={"input": "hé", "x_unknown": {"a": [1, None]}},
)
