"""Contract scripts of the formats that one vendor speaks."""

import struct
import zlib
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import UpstreamOverloaded
from gatewayz.sdk.testing import WireScript
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import BEDROCK_CONVERSE, COHERE_CHAT, GEMINI_GENERATE


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _halves(text: str) -> tuple[str, str]:
    middle = max(1, len(text) // 2)
    return text[:middle], text[middle:]


_GEMINI_USAGE: Final = {
    "promptTokenCount": 11,
    "cachedContentTokenCount": 2,
    "candidatesTokenCount": 4,
    "totalTokenCount": 15,
}


def _gemini(text: str, *, finish: str | None = None, usage: bool = False) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
    if finish:
        candidate["finishReason"] = finish
    answer: dict[str, Any] = {"candidates": [candidate], "modelVersion": "m-1", "responseId": "r-1"}
    if usage:
        answer["usageMetadata"] = _GEMINI_USAGE
    return answer


def _gemini_stream(text: str) -> tuple[bytes, ...]:
    first, last = _halves(text)
    chunks = (_gemini(first), _gemini(last), _gemini("", finish="STOP", usage=True))
    return tuple(b"data: " + _json(chunk) + b"\n\n" for chunk in chunks)


GEMINI_SCRIPT: Final = WireScript(
    format=GEMINI_GENERATE,
    model="m-1",
    target="/models/{model}:generateContent",
    stream_target="/models/{model}:streamGenerateContent?alt=sse",
    answer=lambda text: _json(_gemini(text, finish="STOP", usage=True)),
    stream=_gemini_stream,
    stream_error=(
        b"data: " + _json({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}),
        b"\n\n",
    ),
    stream_error_class=UpstreamOverloaded,
    error=lambda message: _json({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}),
)


_COHERE_USAGE: Final = {
    "billed_units": {"input_tokens": 11, "output_tokens": 4},
    "tokens": {"input_tokens": 11, "output_tokens": 4},
    "cached_tokens": 2,
}


def _cohere_answer(text: str) -> bytes:
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return _json({"id": "c-1", "finish_reason": "COMPLETE", "message": message, "usage": _COHERE_USAGE})


def _cohere_stream(text: str) -> tuple[bytes, ...]:
    events: tuple[dict[str, Any], ...] = (
        {"type": "message-start", "id": "c-1", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": half}}}}
            for half in _halves(text)
        ),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _COHERE_USAGE}},
    )
    return tuple(b"event: " + event["type"].encode() + b"\ndata: " + _json(event) + b"\n\n" for event in events)


COHERE_SCRIPT: Final = WireScript(
    format=COHERE_CHAT,
    model="m-1",
    target="/v2/chat",
    answer=_cohere_answer,
    stream=_cohere_stream,
    error=lambda message: _json({"message": message}),
    usage=Usage(input_tokens=9, cache_read_tokens=2, output_tokens=4),
)


def aws_frame(event: str, payload: Any, *, kind: str = "event") -> bytes:
    """Return one message of an AWS event stream. Source: smithy.io, "Amazon Event Stream", 2026-10."""
    key = ":event-type" if kind == "event" else ":exception-type"
    pairs = ((":message-type", kind), (key, event), (":content-type", "application/json"))
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in pairs
    )
    body = _json(payload)
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    head = prelude + struct.pack("!I", zlib.crc32(prelude))
    return head + headers + body + struct.pack("!I", zlib.crc32(head + headers + body))


_CONVERSE_USAGE: Final = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 15, "cacheReadInputTokens": 2}


def _converse_answer(text: str) -> bytes:
    message = {"role": "assistant", "content": [{"text": text}]}
    return _json({"output": {"message": message}, "stopReason": "end_turn", "usage": _CONVERSE_USAGE})


def _converse_stream(text: str) -> tuple[bytes, ...]:
    return (
        aws_frame("messageStart", {"role": "assistant"}),
        *(aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": half}}) for half in _halves(text)),
        aws_frame("contentBlockStop", {"contentBlockIndex": 0}),
        aws_frame("messageStop", {"stopReason": "end_turn"}),
        aws_frame("metadata", {"usage": _CONVERSE_USAGE, "metrics": {"latencyMs": 5}}),
    )


CONVERSE_SCRIPT: Final = WireScript(
    format=BEDROCK_CONVERSE,
    model="m-1",
    target="/model/{model}/converse",
    stream_target="/model/{model}/converse-stream",
    answer=_converse_answer,
    stream=_converse_stream,
    stream_type=b"application/vnd.amazon.eventstream",
    stream_error=(aws_frame("serviceUnavailableException", {"message": "busy"}, kind="exception"),),
    error=lambda message: _json({"message": message}),
)
