"""Gemini's answers, whole and streamed: both are read by the same code, chunk by chunk.

Source: Google, Gemini API reference "GenerateContentResponse", "Candidate.FinishReason" (2026-11).
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from gatewayz.dialects.collecting import collect_completion
from gatewayz.dialects.data_url import join_data_url
from gatewayz.dialects.gemini_generate.usage import usage_from_gemini
from gatewayz.dialects.sse import ServerEvent, SseReader
from gatewayz.dialects.tool_arguments import arguments_text
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Completion,
    Event,
    FinishReason,
    LogprobsDelta,
    ReasoningDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import ContentFiltered, UpstreamBroken
from gatewayz.sdk.wire import GEMINI_GENERATE

__all__ = ["GeminiReader", "parse_completion"]

_FINISH: Final[dict[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "OTHER": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
}
"""A reason that is not listed counts as `stop`: the answer arrived whole."""
_FAILED: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    }
)  # fmt: skip
"""The model's own answer is unusable: another try, or another offer, may do better."""


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str = "application/octet-stream"
    data: str = ""


class _FunctionCall(msgspec.Struct):
    name: str
    id: str | None = None
    args: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    inline_data: _Blob | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] = []


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _TopTokens(msgspec.Struct):
    candidates: list[_Token] = []


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] = []
    top_candidates: list[_TopTokens] = []


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int = 0
    logprobs_result: _Logprobs | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: dict[str, Any] | None = None
    model_version: str = ""
    response_id: str = ""
    create_time: str | None = None
    error: Any = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)
_LIST: Final = msgspec.json.Decoder(list[_Chunk])
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class GeminiReader:
    """Reads one stream (`alt=sse`): every event is a piece of the response, tool calls come whole."""

    def __init__(self) -> None:
        self._events = SseReader()
        self._reader = _ChunkReader()

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`. See `EventParser.feed`."""
        return self._read(self._events.feed(data))

    def finish(self) -> list[Event]:
        """Return what is left. Raises UpstreamBroken when an answer has no finish reason yet."""
        events = self._read(self._events.finish())
        if not self._reader.is_complete:
            raise UpstreamBroken("the provider's stream ended before the answer was complete")
        return events

    def _read(self, arrived: list[ServerEvent]) -> list[Event]:
        out: list[Event] = []
        for event in arrived:
            if event.data != b"[DONE]":
                self._reader.take(_decode(event.data), out)
        return out


class _ChunkReader:
    """Turns pieces of a response into events."""

    def __init__(self) -> None:
        self._id = ""
        self._started = False
        self._calls: dict[int, int] = {}
        """Choice to the number of its tool calls so far."""
        self._open: set[int] = set()
        self._finished: set[int] = set()

    @property
    def is_complete(self) -> bool:
        """Whether every answer that began has ended, and at least one has."""
        return bool(self._finished) and not self._open

    def take(self, chunk: _Chunk, out: list[Event]) -> None:
        """Append the events of one piece. Raises UpstreamError classes for errors and blocked prompts."""
        if chunk.error is not None:
            raise error_from_object(chunk.error)
        if not self._started:
            self._started = True
            self._id = chunk.response_id
            out.append(
                StreamStarted(id=chunk.response_id, model=chunk.model_version, created=_seconds(chunk.create_time))
            )
        for candidate in chunk.candidates or ():
            self._take_candidate(candidate, out)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason and not self._finished and not self._open:
            raise ContentFiltered(
                feedback.block_reason_message or f"the provider blocked the prompt: {feedback.block_reason}"
            )
        if chunk.usage_metadata is not None:
            out.append(UsageReported(usage=usage_from_gemini(chunk.usage_metadata)))

    def _take_candidate(self, candidate: _Candidate, out: list[Event]) -> None:
        choice = candidate.index
        if choice in self._finished:
            return
        self._open.add(choice)
        for part in candidate.content.parts if candidate.content else ():
            self._take_part(part, choice, out)
        if candidate.logprobs_result is not None and candidate.logprobs_result.chosen_candidates:
            out.append(LogprobsDelta(logprobs=_logprobs(candidate.logprobs_result), choice=choice))
        reason = candidate.finish_reason
        if reason and reason != "FINISH_REASON_UNSPECIFIED":
            if reason in _FAILED:
                raise UpstreamBroken(f"the model's answer cannot be used: {reason}")
            self._open.discard(choice)
            self._finished.add(choice)
            finish = _FINISH.get(reason, "stop")
            if finish == "stop" and self._calls.get(choice):
                finish = "tool_calls"
            out.append(ChoiceFinished(reason=finish, choice=choice))

    def _take_part(self, part: _Part, choice: int, out: list[Event]) -> None:
        signature = part.thought_signature
        if part.function_call is not None:
            number = self._calls.get(choice, 0)
            self._calls[choice] = number + 1
            call = part.function_call
            id = call.id or f"call_{self._id}_{choice}_{number}"
            out.append(ToolUseStarted(index=number, id=id, name=call.name, choice=choice, signature=signature))
            out.append(ToolArgumentsDelta(index=number, arguments=arguments_text(call.args), choice=choice))
            return
        if part.thought:
            origin = GEMINI_GENERATE if signature else None
            if part.text or signature:
                out.append(ReasoningDelta(text=part.text or "", signature=signature, origin=origin, choice=choice))
            return
        if part.text:
            out.append(TextDelta(text=part.text, choice=choice))
        elif part.inline_data is not None:
            out.append(TextDelta(text=_picture(part.inline_data), choice=choice))
        if signature:
            out.append(ReasoningDelta(signature=signature, origin=GEMINI_GENERATE, choice=choice))


def parse_completion(body: bytes) -> Completion:
    """Return a whole answer.

    Raises UpstreamBroken when it is not of the format, ContentFiltered when the prompt was blocked, or the
    class that its error stands for.
    """
    events: list[Event] = []
    reader = _ChunkReader()
    for chunk in _decode_all(body):
        reader.take(chunk, events)
    if not reader.is_complete:
        raise UpstreamBroken("the provider's answer holds no finished candidate")
    return collect_completion(events)


def _decode(data: bytes) -> _Chunk:
    try:
        return _CHUNK.decode(data)
    except _BROKEN as err:
        raise UpstreamBroken("the provider sent something that is not a Gemini response") from err


def _decode_all(body: bytes) -> list[_Chunk]:
    """A whole answer is one object; errors, and streams without `alt=sse`, come as a list of them."""
    if not body.lstrip().startswith(b"["):
        return [_decode(body)]
    try:
        return _LIST.decode(body)
    except _BROKEN as err:
        raise UpstreamBroken("the provider sent something that is not a Gemini response") from err


def _seconds(created: str | None) -> int:
    """Unix seconds of Vertex's `createTime`; 0 where the API does not tell."""
    if created is None:
        return 0
    try:
        return int(datetime.fromisoformat(created).timestamp())
    except (ValueError, OverflowError):
        return 0


def _picture(blob: _Blob) -> str:
    return f"![image]({join_data_url(blob.mime_type, blob.data)})"


def _logprobs(result: _Logprobs) -> dict[str, Any]:
    content = []
    for index, chosen in enumerate(result.chosen_candidates):
        top = result.top_candidates[index].candidates if index < len(result.top_candidates) else []
        content.append({**_token(chosen), "top_logprobs": [_token(token) for token in top]})
    return {"content": content}


def _token(token: _Token) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}
