"""Random conversations, answers and streams in core values, and what of them every format must keep."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    Event,
    FinishReason,
    Image,
    Message,
    ModelCall,
    Part,
    Reasoning,
    ReasoningDelta,
    StreamStarted,
    Text,
    TextDelta,
    Tool,
    ToolArgumentsDelta,
    ToolResult,
    ToolUse,
    ToolUseStarted,
)

said = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and text == text.rstrip()
)
names = st.sampled_from(["get_weather", "search", "f"])
arguments = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.one_of(st.integers(-(2**53), 2**53), said, st.booleans(), st.none(), st.lists(said, max_size=2)),
    max_size=3,
).map(lambda value: msgspec.json.encode(value).decode())
images = st.one_of(
    st.builds(Image, url=st.just("https://example.com/a.png")),
    st.builds(Image, data=st.just("iVBORw0KGgo="), media_type=st.sampled_from(["image/png", "image/jpeg"])),
)
user_parts = st.lists(st.one_of(said.map(lambda text: Text(text=text)), images), min_size=1, max_size=3).map(tuple)


@st.composite
def tool_uses(draw: st.DrawFn, turn: int) -> list[ToolUse]:
    count = draw(st.integers(0, 4))
    return [ToolUse(id=f"call_{turn}_{number}", name=draw(names), arguments=draw(arguments)) for number in range(count)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(role="system", parts=(Text(text=draw(said)),)))
    for turn in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", parts=draw(user_parts)))
        calls = draw(tool_uses(turn))
        text = draw(st.none() | said) if calls else draw(said)
        parts: list[Part] = [Text(text=text)] if text else []
        messages.append(Message(role="assistant", parts=(*parts, *calls)))
        if calls:
            results = tuple(ToolResult(tool_use_id=call.id, parts=(Text(text=draw(said)),)) for call in calls)
            messages.append(Message(role="tool", parts=results))
    messages.append(Message(role="user", parts=draw(user_parts)))
    return tuple(messages)


calls = st.builds(
    ModelCall,
    model=st.just("m"),
    messages=conversations(),
    tools=st.just((Tool(name="f", description="d", parameters={"type": "object", "properties": {}}),)),
    max_tokens=st.integers(1, 1000),
    temperature=st.none() | st.sampled_from([0.0, 0.5, 1.0]),
    stop=st.sampled_from([(), ("END",)]),
    stream=st.booleans(),
)


@st.composite
def completions(draw: st.DrawFn, *, reasoning: bool = True) -> Completion:
    parts: list[Part] = []
    if reasoning and draw(st.booleans()):
        parts.append(Reasoning(text=draw(said)))
    uses = draw(tool_uses(0))
    if not uses or draw(st.booleans()):
        parts.append(Text(text=draw(said)))
    reasons: list[FinishReason] = ["tool_calls"] if uses else ["stop", "length", "content_filter"]
    reason = draw(st.sampled_from(reasons))
    choice = Choice(parts=(*parts, *uses), finish_reason=reason)
    return Completion(id="abc", model="m", created=1, choices=(choice,))


def pieces(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)]) if start < end]


@st.composite
def streams(draw: st.DrawFn, *, interleaved: bool) -> tuple[Completion, list[Event]]:
    """An answer and one of the streams that say it; `interleaved`: arguments of parallel calls are mixed."""
    completion = draw(completions())
    choice = completion.choices[0]
    events: list[Event] = [StreamStarted(id=completion.id, model="m", created=1)]
    tails: list[list[Event]] = []
    uses = [part for part in choice.parts if isinstance(part, ToolUse)]
    for part in choice.parts:
        if isinstance(part, Text):
            events += [TextDelta(text=piece) for piece in pieces(draw, part.text)]
        elif isinstance(part, Reasoning):
            events += [ReasoningDelta(text=piece) for piece in pieces(draw, part.text)]
    for index, use in enumerate(uses):
        tail = [ToolArgumentsDelta(index=index, arguments=piece) for piece in pieces(draw, use.arguments)]
        started = ToolUseStarted(index=index, id=use.id, name=use.name)
        if interleaved:
            events.append(started)
            tails.append(list(tail))
        else:
            events += [started, *tail]
    while tails:
        tail = draw(st.sampled_from(tails))
        events.append(tail.pop(0))
        tails = [left for left in tails if left]
    events.append(ChoiceFinished(reason=choice.finish_reason))
    return completion, events


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the data in chunks that begin at `places` (modulo its length)."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def essence(parts: Iterable[Part]) -> list[Any]:
    """Return what every format keeps of parts: texts joined, pictures, calls and results in order."""
    kept: list[Any] = []
    for part in parts:
        match part:
            case Text() if kept and kept[-1][0] == "text":
                kept[-1] = ("text", kept[-1][1] + part.text)
            case Text():
                kept.append(("text", part.text))
            case Reasoning():
                kept.append(("reasoning", part.text))
            case Image():
                kept.append(("image", part.url, part.data, part.media_type))
            case ToolUse():
                kept.append(("call", part.id, part.name, msgspec.json.decode(part.arguments)))
            case ToolResult():
                kept.append(("result", part.tool_use_id, essence(part.parts)))
            case _:
                kept.append(part)
    return kept


def told(messages: Sequence[Message]) -> list[Any]:
    """Return the essence of a conversation."""
    return [(message.role, essence(message.parts)) for message in messages]


def gather(events: Iterable[Event]) -> tuple[list[Any], str | None]:
    """Return the essence of a stream and its finish reason."""
    texts = {"reasoning": "", "text": ""}
    uses: dict[int, list[str]] = {}
    reason: str | None = None
    for event in events:
        match event:
            case TextDelta():
                texts["text"] += event.text
            case ReasoningDelta():
                texts["reasoning"] += event.text
            case ToolUseStarted():
                uses[event.index] = [event.id, event.name, ""]
            case ToolArgumentsDelta():
                uses[event.index][2] += event.arguments
            case ChoiceFinished():
                assert reason is None
                reason = event.reason
    kept: list[Any] = [(kind, text) for kind, text in texts.items() if text]
    kept += [("call", id, name, msgspec.json.decode(text)) for id, name, text in uses.values()]
    return kept, reason
