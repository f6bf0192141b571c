"""A provider's messages stream as core events.

Source: https://docs.anthropic.com/en/api/messages-streaming (read 2026-11).
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from gatewayz.dialects.anthropic_messages.completion import STOP_REASONS
from gatewayz.dialects.anthropic_usage import merge_anthropic_usage, usage_from_anthropic
from gatewayz.dialects.counts import decode_counts
from gatewayz.dialects.sse import ServerEvent, SseReader
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    ReasoningDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["MessageEventParser"]


class _Start(msgspec.Struct, kw_only=True, gc=False):
    id: str = ""
    model: str = ""
    usage: Raw = Raw()


class _Block(msgspec.Struct, kw_only=True):
    type: str
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: Raw = Raw()


class _Delta(msgspec.Struct, kw_only=True, gc=False):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _StreamEvent(msgspec.Struct, kw_only=True):
    type: str
    message: _Start | None = None
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Raw = Raw()
    error: Any = None


class _OpenTool:
    """A tool call being received."""

    __slots__ = ("has_arguments", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.has_arguments = False


_EVENT: Final = msgspec.json.Decoder(_StreamEvent)


class MessageEventParser:
    """Reads one stream. See `sdk.dialect.EventParser`."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._tools: dict[int, _OpenTool] = {}
        self._counts: dict[str, Any] = {}
        self._started = False
        self._reason: str | None = None
        self._stopped = False

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
        if not self._started:
            raise UpstreamBroken("the provider's stream held no answer")
        if self._reason is None:
            raise UpstreamBroken("the provider's stream ended before its answer did")
        return events

    def _take(self, server_event: ServerEvent, events: list[Event]) -> None:
        data = server_event.data.strip()
        if not data or data == b"[DONE]" or self._stopped:
            return
        try:
            event = _EVENT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise UpstreamBroken("the provider sent an event that is not of the messages format") from err
        match event.type:
            case "content_block_delta":
                self._take_delta(event.index, event.delta or _Delta(), events)
            case "content_block_start":
                self._start_block(event.index, event.content_block, events)
            case "content_block_stop":
                self._stop_block(event.index, events)
            case "message_start":
                self._start(event.message or _Start(), events)
            case "message_delta":
                self._take_message_delta(event, events)
            case "message_stop":
                self._stopped = True
            case "error":
                raise error_from_object(event.error)

    def _start(self, message: _Start, events: list[Event]) -> None:
        if self._started:
            return
        self._started = True
        events.append(StreamStarted(id=message.id, model=message.model, created=0))
        self._count(message.usage, events)

    def _take_message_delta(self, event: _StreamEvent, events: list[Event]) -> None:
        self._count(event.usage, events)
        delta = event.delta or _Delta()
        if delta.stop_reason and self._reason is None:
            self._reason = delta.stop_reason
            reason = STOP_REASONS.get(delta.stop_reason, "stop")
            events.append(ChoiceFinished(reason=reason, stop_sequence=delta.stop_sequence))

    def _count(self, usage: Raw, events: list[Event]) -> None:
        reported = decode_counts(usage) if memoryview(usage) else None
        if reported:
            self._counts = merge_anthropic_usage(self._counts, reported)
            events.append(UsageReported(usage=usage_from_anthropic(self._counts)))

    def _start_block(self, index: int, block: _Block | None, events: list[Event]) -> None:
        if block is None:
            raise UpstreamBroken("the provider started a block without saying which")
        match block.type:
            case "text" if block.text:
                events.append(TextDelta(text=block.text))
            case "thinking" if block.thinking or block.signature:
                signature = block.signature or None
                events.append(ReasoningDelta(text=block.thinking or "", signature=signature, origin=ANTHROPIC_MESSAGES))
            case "redacted_thinking":
                events.append(ReasoningDelta(redacted=block.data or "", origin=ANTHROPIC_MESSAGES))
            case "tool_use":
                if not block.id or not block.name:
                    raise UpstreamBroken("the provider called a tool without naming it")
                tool = self._tools[index] = _OpenTool(len(self._tools))
                events.append(ToolUseStarted(index=tool.index, id=block.id, name=block.name))
                if len(memoryview(block.input)) > 2:
                    tool.has_arguments = True
                    events.append(ToolArgumentsDelta(index=tool.index, arguments=bytes(block.input).decode()))

    def _stop_block(self, index: int, events: list[Event]) -> None:
        """A call without arguments still is JSON in other formats."""
        tool = self._tools.get(index)
        if tool is not None and not tool.has_arguments:
            tool.has_arguments = True
            events.append(ToolArgumentsDelta(index=tool.index, arguments="{}"))

    def _take_delta(self, index: int, delta: _Delta, events: list[Event]) -> None:
        match delta.type:
            case "text_delta" if delta.text:
                events.append(TextDelta(text=delta.text))
            case "thinking_delta" if delta.thinking:
                events.append(ReasoningDelta(text=delta.thinking, origin=ANTHROPIC_MESSAGES))
            case "signature_delta" if delta.signature:
                events.append(ReasoningDelta(signature=delta.signature, origin=ANTHROPIC_MESSAGES))
            case "input_json_delta" if delta.partial_json:
                tool = self._tools.get(index)
                if tool is not None:
                    tool.has_arguments = True
                    events.append(ToolArgumentsDelta(index=tool.index, arguments=delta.partial_json))
