"""Streams of core events: made from an answer's parts, cut into chunks anywhere, joined to be compared."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
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
from gatewayz.sdk.usage import Usage


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    start = 0
    for place in sorted({p % (len(data) + 1) for p in places}):
        yield data[start:place]
        start = place
    yield data[start:]


def events_of(parts: tuple[Part, ...], split: int, usage: Usage) -> list[Event]:
    events: list[Event] = [StreamStarted(id="resp_x", model="up", created=7)]
    calls = 0
    for part in parts:
        if isinstance(part, Text):
            events += [TextDelta(text=part.text[i : i + split]) for i in range(0, len(part.text), split)]
        elif isinstance(part, Reasoning):
            events += [ReasoningDelta(text=part.text[i : i + split]) for i in range(0, len(part.text), split)]
            events.append(ReasoningDelta(signature=part.signature, redacted=part.redacted, origin=part.origin))
        elif isinstance(part, ToolUse):
            events.append(ToolUseStarted(index=calls, id=part.id, name=part.name, signature=part.signature))
            pieces = [part.arguments[i : i + split] for i in range(0, len(part.arguments), split)]
            events += [ToolArgumentsDelta(index=calls, arguments=piece) for piece in pieces]
            calls += 1
    events.append(ChoiceFinished(reason="tool_calls" if calls else "stop"))
    return [*events, UsageReported(usage=usage)]


def joined(events: list[Event]) -> list[Any]:
    """What a stream says, with its deltas joined; calls by their number."""
    said: list[Any] = []
    calls: dict[int, list[Any]] = {}
    for event in events:
        last = said[-1] if said else None
        if isinstance(event, TextDelta):
            if last is not None and last[0] == "text":
                last[1] += event.text
            else:
                said.append(["text", event.text])
        elif isinstance(event, ReasoningDelta):
            if last is None or last[0] != "thought" or last[2] is not None:
                said.append(["thought", "", None])
            said[-1][1] += event.text
            if event.origin is not None:
                said[-1][2] = (event.signature, event.redacted, event.origin)
        elif isinstance(event, ToolUseStarted):
            calls[event.index] = ["call", event.id, event.name, event.signature, ""]
            said.append(calls[event.index])
        elif isinstance(event, ToolArgumentsDelta):
            calls[event.index][4] += event.arguments
        elif isinstance(event, ChoiceFinished):
            said.append(["finished", event.reason])
        elif isinstance(event, UsageReported):
            said.append(["usage", msgspec.structs.replace(event.usage, raw=None)])
    return said
