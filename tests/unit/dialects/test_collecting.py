"""A whole answer from the events of a stream."""

from gatewayz.dialects.collecting import collect_completion
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    LogprobsDelta,
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
from gatewayz.sdk.usage import Usage


def test_joins_neighbours_and_keeps_blocks_apart() -> None:
    answer = collect_completion(
        [
            StreamStarted(id="i", model="m", created=3, dropped=("seed",)),
            ReasoningDelta(text="a"),
            ReasoningDelta(text="b"),
            ReasoningDelta(signature="s", origin="o"),
            ReasoningDelta(redacted="r", origin="o"),
            TextDelta(text="x"),
            TextDelta(text="y"),
            LogprobsDelta(logprobs={"content": [{"token": "y"}]}),
            UsageReported(usage=Usage(input_tokens=1)),
            ToolUseStarted(index=0, id="c0", name="f", signature="t"),
            ToolUseStarted(index=1, id="c1", name="g"),
            ToolArgumentsDelta(index=0, arguments='{"a":'),
            ToolArgumentsDelta(index=0, arguments="1}"),
            TextDelta(text="z"),
            ChoiceFinished(reason="tool_calls"),
            RefusalDelta(text="n", choice=1),
            RefusalDelta(text="o", choice=1),
            ChoiceFinished(reason="stop_sequence", stop_sequence="q", choice=1),
            UsageReported(usage=Usage(input_tokens=2)),
        ]
    )
    assert answer == Completion(
        id="i",
        model="m",
        created=3,
        choices=(
            Choice(
                parts=(
                    Reasoning(text="ab", signature="s", origin="o"),
                    Reasoning(redacted="r", origin="o"),
                    Text(text="xy"),
                    ToolUse(id="c0", name="f", arguments='{"a":1}', signature="t"),
                    ToolUse(id="c1", name="g", arguments="{}"),
                    Text(text="z"),
                ),
                finish_reason="tool_calls",
                logprobs={"content": [{"token": "y"}]},
            ),
            Choice(index=1, parts=(Refusal(text="no"),), finish_reason="stop_sequence", stop_sequence="q"),
        ),
        usage=Usage(input_tokens=2),
        dropped=("seed",),
    )


def test_nothing_said_is_no_choice() -> None:
    assert collect_completion([]) == Completion(id="", model="", created=0, choices=())
