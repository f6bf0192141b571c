"""Contract scripts of the formats that one vendor speaks."""

from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import UpstreamOverloaded
from gatewayz.sdk.testing import WireScript
from gatewayz.sdk.wire import GEMINI_GENERATE


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
