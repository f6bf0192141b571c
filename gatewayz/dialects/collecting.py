"""A whole answer from the events of a stream."""

from collections.abc import Iterable
from typing import Any

from gatewayz.sdk.chat import (
    Choice,
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
from gatewayz.sdk.usage import NO_USAGE

__all__ = ["collect_completion"]


class _OpenCall:
    """A tool call whose arguments are still arriving."""

    def __init__(self, event: ToolUseStarted) -> None:
        self.event = event
        self.pieces: list[str] = []

    def use(self) -> ToolUse:
        started = self.event
        arguments = "".join(self.pieces) or "{}"
        return ToolUse(id=started.id, name=started.name, arguments=arguments, signature=started.signature)


class _OpenChoice:
    """One answer being put together: neighbouring deltas of a kind are one part."""

    def __init__(self) -> None:
        self.parts: list[Part | _OpenCall] = []
        self.calls: dict[int, _OpenCall] = {}
        self.tokens: list[Any] = []
        self.finished: ChoiceFinished | None = None

    def add(self, event: Event) -> None:
        last = self.parts[-1] if self.parts else None
        if isinstance(event, TextDelta):
            if isinstance(last, Text):
                self.parts[-1] = Text(text=last.text + event.text)
            else:
                self.parts.append(Text(text=event.text))
        elif isinstance(event, ReasoningDelta):
            self._add_thought(last, event)
        elif isinstance(event, RefusalDelta):
            if isinstance(last, Refusal):
                self.parts[-1] = Refusal(text=last.text + event.text)
            else:
                self.parts.append(Refusal(text=event.text))
        elif isinstance(event, ToolUseStarted):
            self.calls[event.index] = call = _OpenCall(event)
            self.parts.append(call)
        elif isinstance(event, ToolArgumentsDelta):
            self.calls[event.index].pieces.append(event.arguments)
        elif isinstance(event, LogprobsDelta):
            self.tokens += event.logprobs.get("content") or ()
        elif isinstance(event, ChoiceFinished):
            self.finished = event

    def _add_thought(self, last: "Part | _OpenCall | None", event: ReasoningDelta) -> None:
        is_open = isinstance(last, Reasoning) and last.signature is None and last.redacted is None
        if isinstance(last, Reasoning) and is_open:
            text = last.text + event.text
            self.parts.pop()
        else:
            text = event.text
        self.parts.append(Reasoning(text=text, signature=event.signature, redacted=event.redacted, origin=event.origin))

    def choice(self, index: int) -> Choice:
        finished = self.finished or ChoiceFinished(reason="stop")
        return Choice(
            index=index,
            parts=tuple(part.use() if isinstance(part, _OpenCall) else part for part in self.parts),
            finish_reason=finished.reason,
            stop_sequence=finished.stop_sequence,
            logprobs={"content": self.tokens} if self.tokens else None,
        )


def collect_completion(events: Iterable[Event]) -> Completion:
    """Return the whole answer that a complete stream tells. Raises KeyError on arguments of no call."""
    started = StreamStarted(id="", model="", created=0)
    usage = NO_USAGE
    choices: dict[int, _OpenChoice] = {}
    for event in events:
        if isinstance(event, StreamStarted):
            started = event
        elif isinstance(event, UsageReported):
            usage = event.usage
        else:
            choices.setdefault(event.choice, _OpenChoice()).add(event)
    return Completion(
        id=started.id,
        model=started.model,
        created=started.created,
        choices=tuple(choices[index].choice(index) for index in sorted(choices)),
        usage=usage,
        dropped=started.dropped,
    )
