"""A whole answer as the events a stream of it would have been."""

from collections.abc import Iterator

from gatewayz.sdk.chat import (
    ChoiceFinished,
    Completion,
    Event,
    LogprobsDelta,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    StreamStarted,
    Text,
    TextDelta,
    ToolArgumentsDelta,
    ToolUse,
    ToolUseStarted,
    UsageReported,
)

__all__ = ["events_of"]


def events_of(completion: Completion) -> Iterator[Event]:
    """Yield the events of an answer that came whole, in the order a provider streams them."""
    yield StreamStarted(
        id=completion.id, model=completion.model, created=completion.created, dropped=completion.dropped
    )
    for choice in completion.choices:
        tools = 0
        for part in choice.parts:
            yield from _part_events(part, choice.index, tools)
            tools += isinstance(part, ToolUse)
        if choice.logprobs is not None:
            yield LogprobsDelta(logprobs=choice.logprobs, choice=choice.index)
        yield ChoiceFinished(reason=choice.finish_reason, stop_sequence=choice.stop_sequence, choice=choice.index)
    yield UsageReported(usage=completion.usage)


def _part_events(part: Part, choice: int, tool_index: int) -> Iterator[Event]:
    match part:
        case Text():
            yield TextDelta(text=part.text, choice=choice)
        case Reasoning():
            yield ReasoningDelta(
                text=part.text, signature=part.signature, redacted=part.redacted, origin=part.origin, choice=choice
            )
        case Refusal():
            yield RefusalDelta(text=part.text, choice=choice)
        case ToolUse():
            yield ToolUseStarted(index=tool_index, id=part.id, name=part.name, choice=choice, signature=part.signature)
            yield ToolArgumentsDelta(index=tool_index, arguments=part.arguments, choice=choice)
        case _:
            return  # what only callers send: images, documents, tool results
