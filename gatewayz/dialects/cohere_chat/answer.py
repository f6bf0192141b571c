"""Cohere's answers, whole and streamed.

Source: Cohere API reference "Chat (v2)", "Chat with Streaming", guide "A guide to streaming responses" (2026-11).
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from gatewayz.dialects.counts import count, decode_counts, members
from gatewayz.dialects.sse import ServerEvent, SseReader
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    Event,
    FinishReason,
    LogprobsDelta,
    Part,
    Reasoning,
    ReasoningDelta,
    StreamStarted,
    Text,
    TextDelta,
    ToolArgumentsDelta,
    ToolUse,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["CohereReader", "parse_completion", "usage_from_cohere"]

_FINISH: Final[dict[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
T = TypeVar("T")


class _Function(msgspec.Struct):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct):
    id: str = ""
    function: _Function = msgspec.field(default_factory=_Function)


class _Content(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""


class _Logprob(msgspec.Struct):
    text: str = ""
    logprobs: list[float] | None = None


class _Message(msgspec.Struct):
    content: list[_Content] | None = None
    tool_calls: list[_Call] | None = None
    tool_plan: str | None = None


class _Answer(msgspec.Struct):
    finish_reason: str
    id: str = ""
    message: _Message = msgspec.field(default_factory=_Message)
    usage: dict[str, Any] | None = None
    logprobs: list[_Logprob] | None = None


class _PieceMessage(msgspec.Struct):
    """Where a whole message has lists, a piece has one of their items."""

    content: _Content | list[Any] | None = None
    tool_calls: _Call | list[Any] | None = None
    tool_plan: str | None = None


class _Delta(msgspec.Struct):
    message: _PieceMessage | None = None
    finish_reason: str | None = None
    error: str | None = None
    usage: dict[str, Any] | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    id: str = ""
    index: int = 0
    delta: _Delta | None = None
    logprobs: _Logprob | list[_Logprob] | None = None
    message: str | None = None
    error: Any = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_EVENT: Final = msgspec.json.Decoder(_StreamEvent)
_ANY: Final = msgspec.json.Decoder()


def usage_from_cohere(value: object) -> Usage:
    """Return normalised usage (mapping or JSON bytes); zeros when there is none.

    The billed units are what is paid for: `tokens` also holds the template that Cohere adds itself.
    Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return NO_USAGE
    billed, tokens = members(raw, "billed_units"), members(raw, "tokens")
    source = billed if "input_tokens" in billed or "output_tokens" in billed else tokens
    prompt = count(source, "input_tokens")
    cached = count(raw, "cached_tokens", most=prompt)
    return Usage(
        input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=count(source, "output_tokens"),
        raw=raw,
    )


def parse_completion(body: bytes) -> Completion:
    """Return a whole answer.

    Raises UpstreamBroken when it is not of the format, or the class that its error stands for.
    """
    try:
        answer = _ANSWER.decode(body)
    except _BROKEN as err:
        _raise_error(body)
        raise UpstreamBroken("the provider sent something that is not a Cohere answer") from err
    parts: list[Part] = []
    for content in answer.message.content or ():
        if content.thinking:
            parts.append(Reasoning(text=content.thinking))
        elif content.text:
            parts.append(Text(text=content.text))
    if answer.message.tool_plan:
        parts.append(Text(text=answer.message.tool_plan))
    for call in answer.message.tool_calls or ():
        parts.append(ToolUse(id=call.id, name=call.function.name, arguments=call.function.arguments or "{}"))
    tokens = _render_logprobs(answer.logprobs or ())
    choice = Choice(
        parts=tuple(parts),
        finish_reason=_finish(answer.finish_reason, None),
        logprobs={"content": tokens} if tokens else None,
    )
    return Completion(id=answer.id, model="", created=0, choices=(choice,), usage=usage_from_cohere(answer.usage))


class CohereReader:
    """Reads one stream, from `message-start` to `message-end`."""

    def __init__(self) -> None:
        self._events = SseReader()
        self._started = False
        self._finished = False
        self._calls: dict[int, int] = {}
        """Cohere's index of a call to its number."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`. See `EventParser.feed`."""
        return self._read(self._events.feed(data))

    def finish(self) -> list[Event]:
        """Return what is left. Raises UpstreamBroken when `message-end` did not arrive."""
        events = self._read(self._events.finish())
        if not self._finished:
            raise UpstreamBroken("the provider's stream ended before the answer was complete")
        return events

    def _read(self, arrived: list[ServerEvent]) -> list[Event]:
        out: list[Event] = []
        for event in arrived:
            if event.data == b"[DONE]" or self._finished:
                continue
            try:
                self._take(_EVENT.decode(event.data), out)
            except (*_BROKEN, KeyError) as err:
                raise UpstreamBroken("the provider sent an event that is not of Cohere's format") from err
        return out

    def _take(self, event: _StreamEvent, out: list[Event]) -> None:
        message = event.delta.message if event.delta is not None else None
        match event.type:
            case "content-delta" | "content-start" if message is not None:
                if isinstance(message.content, _Content):
                    self._take_content(message.content, event.logprobs, out)
            case "tool-plan-delta" if message is not None and message.tool_plan:
                out.append(TextDelta(text=message.tool_plan))
            case "tool-call-start" if message is not None and isinstance(message.tool_calls, _Call):
                call = message.tool_calls
                self._calls[event.index] = number = len(self._calls)
                out.append(ToolUseStarted(index=number, id=call.id, name=call.function.name))
                if call.function.arguments:
                    out.append(ToolArgumentsDelta(index=number, arguments=call.function.arguments))
            case "tool-call-delta" if message is not None and isinstance(message.tool_calls, _Call):
                arguments = message.tool_calls.function.arguments
                out.append(ToolArgumentsDelta(index=self._calls[event.index], arguments=arguments))
            case "message-start":
                if not self._started:
                    self._started = True
                    out.append(StreamStarted(id=event.id, model="", created=0))
            case "message-end" if event.delta is not None:
                self._finished = True
                out.append(ChoiceFinished(reason=_finish(event.delta.finish_reason or "", event.delta.error)))
                if event.delta.usage is not None:
                    out.append(UsageReported(usage=usage_from_cohere(event.delta.usage)))
            case "" | "error":
                raise error_from_object(event.error or {"message": event.message})
            case _:
                pass  # citations, the ends of items, debug

    def _take_content(self, content: _Content, logprobs: _Logprob | list[_Logprob] | None, out: list[Event]) -> None:
        if content.thinking:
            out.append(ReasoningDelta(text=content.thinking))
        if content.text:
            out.append(TextDelta(text=content.text))
            tokens = _render_logprobs([logprobs] if isinstance(logprobs, _Logprob) else logprobs or ())
            if tokens:
                out.append(LogprobsDelta(logprobs={"content": tokens}))


def _finish(reason: str, error: str | None) -> FinishReason:
    if reason in ("ERROR", "TIMEOUT"):
        raise UpstreamBroken(error or f"the provider stopped with {reason}")
    return _FINISH.get(reason, "stop")


def _render_logprobs(entries: Sequence[_Logprob]) -> list[dict[str, Any]]:
    """An entry may hold several tokens and their common text: its log probability is their sum."""
    return [
        {
            "token": entry.text,
            "logprob": sum(entry.logprobs or ()),
            "bytes": list(entry.text.encode()),
            "top_logprobs": [],
        }
        for entry in entries
        if entry.text
    ]


def _raise_error(body: bytes) -> None:
    """Raise the error that a body tells of, if it does: `message` alone, or an `error` member."""
    try:
        decoded = _ANY.decode(body)
    except _BROKEN:
        return
    if isinstance(decoded, dict) and (decoded.get("error") or "message" in decoded):
        raise error_from_object(decoded.get("error") or decoded)
