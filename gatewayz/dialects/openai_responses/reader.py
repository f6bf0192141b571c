"""The upstream's half of a stream: events of the Responses API in core values.

Source: OpenAI API reference, "Streaming events" (2026-11).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.dialects.counts import count
from gatewayz.dialects.openai_responses.output import readable_thinking
from gatewayz.dialects.openai_responses.response import finish_reason
from gatewayz.dialects.openai_responses.seal import open_reasoning, open_tool_signature
from gatewayz.dialects.openai_responses.usage import usage_from_responses
from gatewayz.dialects.openai_responses.wire import OutputItem, StreamEvent
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

__all__ = ["ResponseReader"]

_EVENT: Final = msgspec.json.Decoder(StreamEvent)
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)


class ResponseReader:
    """Reads one stream."""

    def __init__(self) -> None:
        self._events = SseReader()
        self._started = False
        self._finished = False
        self._calls: dict[int, int] = {}
        """Output index of a tool call to its number."""
        self._written: set[int] = set()
        """Output indexes whose text or arguments came as deltas."""
        self._signature: str | None = None
        """Of the tool call that comes next."""
        self._summary: tuple[int, int] | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`. See `EventParser.feed`."""
        return self._read(self._events.feed(data))

    def finish(self) -> list[Event]:
        """Return nothing more. Raises UpstreamBroken when the response was not completed."""
        events = self._read(self._events.finish())
        if not self._finished:
            raise UpstreamBroken("the provider's stream ended before the response was complete")
        return events

    def _read(self, arrived: list[ServerEvent]) -> list[Event]:
        out: list[Event] = []
        for event in arrived:
            if event.data == b"[DONE]":
                continue
            try:
                self._take(_EVENT.decode(event.data), out)
            except _BROKEN as err:
                raise UpstreamBroken("the provider sent an event that is not of the Responses format") from err
        return out

    def _take(self, event: StreamEvent, out: list[Event]) -> None:
        index = event.output_index
        delta = event.delta if isinstance(event.delta, str) else ""
        match event.type:
            case "response.output_text.delta":
                self._written.add(index)
                if delta:
                    out.append(TextDelta(text=delta))
                if event.logprobs:
                    out.append(LogprobsDelta(logprobs={"content": event.logprobs}))
            case "response.function_call_arguments.delta":
                self._written.add(index)
                out.append(ToolArgumentsDelta(index=self._calls[index], arguments=delta))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._take_thinking(index, event.summary_index, delta, out)
            case "response.refusal.delta":
                self._written.add(index)
                out.append(RefusalDelta(text=delta))
            case "response.created" | "response.in_progress" | "response.queued":
                self._start(event.response or {}, out)
            case "response.output_item.added" if event.item is not None:
                self._start_item(index, event.item, out)
            case "response.output_item.done" if event.item is not None:
                self._finish_item(index, event.item, out)
            case "response.completed" | "response.incomplete":
                self._complete(event.response or {}, out)
            case "response.failed" | "response.cancelled":
                raise error_from_object((event.response or {}).get("error"))
            case "error" | "":
                raise error_from_object(event.error or {"code": event.code, "message": event.message})
            case _:
                pass  # events about items the core does not know, and the `.done` twins of deltas

    def _start(self, response: Mapping[str, Any], out: list[Event]) -> None:
        if not self._started:
            self._started = True
            id, model = str(response["id"]), str(response["model"])
            out.append(StreamStarted(id=id, model=model, created=count(response, "created_at")))

    def _start_item(self, index: int, item: OutputItem, out: list[Event]) -> None:
        if item.type == "function_call" and index not in self._calls:
            self._calls[index] = len(self._calls)
            number, signature = self._calls[index], self._signature
            out.append(ToolUseStarted(index=number, id=item.call_id, name=item.name, signature=signature))
            self._signature = None

    def _take_thinking(self, index: int, summary: int, delta: str, out: list[Event]) -> None:
        place = (index, summary)
        if self._summary is not None and self._summary[0] == index and self._summary != place:
            out.append(ReasoningDelta(text="\n\n"))
        self._summary = place
        self._written.add(index)
        out.append(ReasoningDelta(text=delta))

    def _finish_item(self, index: int, item: OutputItem, out: list[Event]) -> None:
        """Take what no delta told: encrypted thinking, and everything of servers that send items whole."""
        whole = index not in self._written
        if item.type == "function_call":
            self._start_item(index, item, out)
            if whole and isinstance(item.arguments, str) and item.arguments:
                out.append(ToolArgumentsDelta(index=self._calls[index], arguments=item.arguments))
        elif item.type == "reasoning" and (sealed := open_tool_signature(item.encrypted_content)) is not None:
            self._signature = sealed
        elif item.type == "reasoning":
            thought = open_reasoning(item.encrypted_content, text=readable_thinking(item) if whole else "", id=item.id)
            if thought.text or thought.origin is not None:
                out.append(
                    ReasoningDelta(
                        text=thought.text,
                        signature=thought.signature,
                        redacted=thought.redacted,
                        origin=thought.origin,
                    )
                )
        elif item.type == "message" and whole:
            for part in item.content or ():
                if part.refusal:
                    out.append(RefusalDelta(text=part.refusal))
                elif part.text:
                    out.append(TextDelta(text=part.text))

    def _complete(self, response: Mapping[str, Any], out: list[Event]) -> None:
        if self._finished:
            return
        self._start(response, out)
        self._finished = True
        out.append(ChoiceFinished(reason=finish_reason(response, calls_tools=bool(self._calls))))
        if isinstance(response.get("usage"), dict):
            out.append(UsageReported(usage=usage_from_responses(response["usage"])))
