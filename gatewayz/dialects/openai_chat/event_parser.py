"""A provider's stream of chunks as core events, whatever the vendor's habits.

Seen in the field: no `index` on tool calls, the same index for parallel calls, id and name repeated on
every piece, arguments as an object, usage in `x_groq`, no `[DONE]`, `[DONE]` without a finish reason.
"""

from typing import Final

import msgspec

from gatewayz.dialects.openai_chat.reply_wire import (
    Chunk,
    ChunkChoice,
    Delta,
    ToolCallDelta,
    finish_reason,
    text_of,
    unix_seconds,
)
from gatewayz.dialects.openai_usage import usage_from_openai
from gatewayz.dialects.sse import ServerEvent, SseReader
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["ChatEventParser"]

_CHUNK: Final = msgspec.json.Decoder(Chunk)


class _OpenCall:
    """A tool call being received."""

    __slots__ = ("arguments", "id", "index", "name", "started", "wire_index")

    def __init__(self, index: int, wire_index: int | None) -> None:
        self.index = index
        self.wire_index = wire_index
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.started = False


class _OpenChoice:
    """One answer being received."""

    __slots__ = ("calls", "has_content", "reason")

    def __init__(self) -> None:
        self.calls: list[_OpenCall] = []
        self.has_content = False
        self.reason: str | None = None

    def call_for(self, piece: ToolCallDelta) -> _OpenCall:
        """Return the call a piece belongs to: a new id means a new call, even under an index already used."""
        for call in reversed(self.calls):
            same_place = piece.index is None or call.wire_index == piece.index
            if piece.id and call.id and piece.id != call.id:
                continue
            if same_place and (piece.id or piece.index is not None or call is self.calls[-1]):
                if piece.index is None and piece.id and not call.id:
                    continue
                return call
        call = _OpenCall(len(self.calls), piece.index)
        self.calls.append(call)
        return call


class ChatEventParser:
    """Reads one stream. See `sdk.dialect.EventParser`."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._choices: dict[int, _OpenChoice] = {}
        self._id: str | None = None
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`. Raises UpstreamError on an error event, UpstreamBroken on junk."""
        events: list[Event] = []
        for event in self._reader.feed(data):
            self._take(event, events)
        return events

    def finish(self) -> list[Event]:
        """Return what the end completes. Raises UpstreamBroken when the stream ended early."""
        events: list[Event] = []
        for event in self._reader.finish():
            self._take(event, events)
        if self._id is None:
            raise UpstreamBroken("the provider's stream held no answer")
        for index, choice in self._choices.items():
            if choice.reason is None:
                if not (self._done and choice.has_content):
                    raise UpstreamBroken("the provider's stream ended before its answer did")
                self._finish_choice(index, choice, "stop", events)
        if not self._choices:
            raise UpstreamBroken("the provider's stream held no answer")
        return events

    def _take(self, event: ServerEvent, events: list[Event]) -> None:
        if not event.data or self._done:
            return
        if event.data.strip() == b"[DONE]":
            self._done = True
            return
        try:
            chunk = _CHUNK.decode(event.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise UpstreamBroken("the provider sent an event that is not a chat chunk") from err
        if chunk.error:
            raise error_from_object(chunk.error)
        if self._id is None:
            self._id = chunk.id or ""
            events.append(StreamStarted(id=self._id, model=chunk.model or "", created=unix_seconds(chunk.created)))
        for choice in chunk.choices or ():
            self._take_choice(choice, events)
        self._take_usage(chunk, events)

    def _take_usage(self, chunk: Chunk, events: list[Event]) -> None:
        usage = usage_from_openai(chunk.usage) if memoryview(chunk.usage) else None
        if usage is None and chunk.x_groq:
            usage = usage_from_openai(chunk.x_groq.get("usage"))
        if usage is not None:
            events.append(UsageReported(usage=usage))

    def _take_choice(self, piece: ChunkChoice, events: list[Event]) -> None:
        index = piece.index
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _OpenChoice()
        if choice.reason is not None:
            return
        before = len(events)
        if piece.delta is not None:
            self._take_delta(piece.delta, index, choice, events)
        if piece.logprobs and piece.logprobs.get("content"):
            events.append(LogprobsDelta(logprobs=piece.logprobs, choice=index))
        if len(events) > before:
            choice.has_content = True
        if piece.finish_reason:
            self._finish_choice(index, choice, piece.finish_reason, events)

    def _finish_choice(self, index: int, choice: _OpenChoice, word: str, events: list[Event]) -> None:
        choice.reason = word
        if any(not call.started for call in choice.calls):
            raise UpstreamBroken("the provider called a tool without naming it")
        reason = finish_reason(word, called_tools=bool(choice.calls))
        if reason == "error":
            raise UpstreamBroken("the provider stopped with an error")
        events.append(ChoiceFinished(reason=reason, choice=index))

    def _take_delta(self, delta: Delta, index: int, choice: _OpenChoice, events: list[Event]) -> None:
        self._take_reasoning(delta, index, events)
        if text := text_of(delta.content):
            events.append(TextDelta(text=text, choice=index))
        if delta.refusal:
            events.append(RefusalDelta(text=delta.refusal, choice=index))
        for piece in delta.tool_calls or ():
            self._take_call(piece, index, choice, events)
        if delta.function_call is not None:
            self._take_call(ToolCallDelta(index=0, function=delta.function_call), index, choice, events)

    def _take_reasoning(self, delta: Delta, index: int, events: list[Event]) -> None:
        text = delta.reasoning_content or delta.reasoning
        details = delta.reasoning_details or ()
        if isinstance(text, str) and text and not any(detail.text for detail in details):
            events.append(ReasoningDelta(text=text, origin=OPENAI_CHAT, choice=index))
        for detail in details:
            if detail.text or detail.signature or detail.data:
                events.append(
                    ReasoningDelta(
                        text=detail.text or "",
                        signature=detail.signature,
                        redacted=detail.data,
                        origin=detail.format or OPENAI_CHAT,
                        choice=index,
                    )
                )

    def _take_call(self, piece: ToolCallDelta, index: int, choice: _OpenChoice, events: list[Event]) -> None:
        call = choice.call_for(piece)
        function = piece.function
        if piece.id:
            call.id = piece.id
        if function is not None:
            call.name = call.name or function.name or ""
            arguments = function.arguments
            if isinstance(arguments, dict):
                arguments = msgspec.json.encode(arguments).decode()
            if arguments:
                call.arguments.append(arguments)
        if not call.started and call.name:
            call.started = True
            call.id = call.id or f"call_{self._id}_{index}_{call.index}"
            events.append(ToolUseStarted(index=call.index, id=call.id, name=call.name, choice=index))
        if call.started and call.arguments:
            events.append(ToolArgumentsDelta(index=call.index, arguments="".join(call.arguments), choice=index))
            call.arguments.clear()
