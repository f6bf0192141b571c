"""Bedrock's answers, whole and in binary streams under any chunking.

Payloads have the shapes of the vendor's reference pages.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.bedrock_converse import BEDROCK_CONVERSE_DIALECT, error_from_exception, usage_from_converse
from gatewayz.dialects.collecting import collect_completion
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    Opaque,
    Reasoning,
    StreamStarted,
    Text,
    ToolUse,
)
from gatewayz.sdk.errors import (
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from gatewayz.sdk.wire import BEDROCK_CONVERSE
from tests.fakes.aws_events import write_event, write_message
from tests.fakes.event_streams import cut

DIALECT = BEDROCK_CONVERSE_DIALECT


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


USAGE = {
    "inputTokens": 10,
    "outputTokens": 20,
    "totalTokens": 67,
    "cacheReadInputTokens": 30,
    "cacheWriteInputTokens": 7,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 5}, {"ttl": "5m", "inputTokens": 2}],
}
WHOLE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm, ü", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "QQ=="}},
                {"text": "Grüße"},
                {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"q": "é"}}},
                {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": USAGE,
    "metrics": {"latencyMs": 5},
}


def delta(index: int, **delta: Any) -> bytes:
    return write_event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "abcdef"})


def stop(index: int) -> bytes:
    return write_event("contentBlockStop", {"contentBlockIndex": index})


def tool_start(index: int, id: str, name: str) -> bytes:
    start = {"toolUse": {"toolUseId": id, "name": name}}
    return write_event("contentBlockStart", {"contentBlockIndex": index, "start": start})


START = write_event("messageStart", {"role": "assistant"})
EVENTS = [
    START,
    delta(0, reasoningContent={"text": "hm,"}),
    delta(0, reasoningContent={"text": " ü"}),
    delta(0, reasoningContent={"signature": "sig"}),
    stop(0),
    delta(1, reasoningContent={"redactedContent": "QQ=="}),
    stop(1),
    delta(2, text="Grü"),
    delta(2, text="ße"),
    stop(2),
    tool_start(3, "t1", "f"),
    delta(3, toolUse={"input": ""}),
    delta(3, toolUse={"input": '{"q":'}),
    delta(3, toolUse={"input": '"é"}'}),
    stop(3),
    tool_start(4, "t2", "g"),
    stop(4),
    write_event("messageStop", {"stopReason": "tool_use"}),
    write_event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
]


def read_stream(pieces: Any) -> list[Event]:
    parser = DIALECT.event_parser()
    events = [event for data in pieces for event in parser.feed(data)]
    return events + parser.finish()


def test_reads_a_whole_answer() -> None:
    answer = DIALECT.parse_completion(encode(WHOLE))
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.parts == (
        Reasoning(text="hm, ü", signature="sig", origin=BEDROCK_CONVERSE),
        Reasoning(redacted="QQ==", origin=BEDROCK_CONVERSE),
        Text(text="Grüße"),
        ToolUse(id="t1", name="f", arguments='{"q":"é"}'),
        ToolUse(id="t2", name="g", arguments="{}"),
    )
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (
        10,
        30,
        2,
        5,
    )
    assert usage.total_tokens == USAGE["totalTokens"]


@given(st.lists(st.integers(0, 5000), max_size=15))
def test_stream_and_whole_agree_under_any_chunking(places: list[int]) -> None:
    events = read_stream(cut(b"".join(EVENTS), places))
    assert events[0] == StreamStarted(id="", model="", created=0)
    assert collect_completion(events) == DIALECT.parse_completion(encode(WHOLE))


def test_stream_byte_by_byte() -> None:
    data = b"".join(EVENTS)
    assert read_stream(data[i : i + 1] for i in range(len(data))) == read_stream([data])


def test_citations_pictures_and_unknown_blocks() -> None:
    content: list[Any] = [
        {"citationsContent": {"content": [{"text": "ci"}, {"text": "ted"}], "citations": []}},
        {"image": {"format": "png", "source": {"bytes": "QUJD"}}},
        {"toolUse": {"toolUseId": "s", "name": "search", "type": "server_tool_use", "input": {}}},
        {"newIn2027": {}},
    ]
    answer = DIALECT.parse_completion(encode({"output": {"message": {"content": content}}, "stopReason": "end_turn"}))
    picture = Text(text="![image](data:image/png;base64,QUJD)")
    assert answer.choices[0].parts == (
        Text(text="cited"),
        picture,
        Opaque(format=BEDROCK_CONVERSE, value=content[2]),
        Opaque(format=BEDROCK_CONVERSE, value=content[3]),
    )
    start = write_event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
    pieces = [delta(0, image={"source": {"bytes": "QQ=="}}), delta(0, image={"source": {"bytes": "QkM="}}), stop(0)]
    end = write_event("messageStop", {"stopReason": "end_turn"})
    odd = write_event("newIn2027", {"contentBlockIndex": 3})
    events = read_stream([START, odd, start, *pieces, end])
    assert collect_completion(events).choices[0].parts == (picture,)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("new_in_2027", "stop"),
    ],
)
def test_finish_reasons(reason: Any, finish: Any) -> None:
    assert DIALECT.parse_completion(encode({**WHOLE, "stopReason": reason})).choices[0].finish_reason == finish
    events = read_stream([START, write_event("messageStop", {"stopReason": reason})])
    assert events[-1] == ChoiceFinished(reason=finish)


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_unusable_answers(reason: str) -> None:
    with pytest.raises(UpstreamBroken):
        DIALECT.parse_completion(encode({**WHOLE, "stopReason": reason}))
    with pytest.raises(UpstreamBroken):
        read_stream([START, write_event("messageStop", {"stopReason": reason})])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", UpstreamRateLimited),
        ("ThrottlingException:http://internal.amazon.com/coral/", UpstreamRateLimited),
        ("com.amazonaws#ServiceUnavailableException", UpstreamOverloaded),
        ("modelNotReadyException", UpstreamOverloaded),
        ("validationException", UpstreamRejected),
        ("internalServerException", UpstreamBroken),
        ("modelStreamErrorException", UpstreamBroken),
        ("modelTimeoutException", UpstreamTimeout),
        ("AccessDeniedException", UpstreamAuthFailed),
        ("ResourceNotFoundException", UpstreamModelMissing),
        ("", UpstreamBroken),
    ],
)
def test_exceptions(name: str, kind: type[UpstreamError]) -> None:
    assert type(error_from_exception(name, "arn:aws:iam::1")) is kind
    with pytest.raises(UpstreamError) as caught:
        read_stream([START, write_event(name, {"message": "m"}, "exception")])
    assert type(caught.value) is kind
    with pytest.raises(UpstreamError) as caught:
        read_stream([START, write_message({":message-type": "error", ":error-code": name, ":error-message": "m"}, b"")])
    assert type(caught.value) is kind
    if kind is UpstreamAuthFailed:
        assert "arn" not in error_from_exception(name, "arn:aws:iam::1").message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "m"}, UpstreamBroken),
        ({"Message": "m", "__type": "com.amazon#ThrottlingException"}, UpstreamRateLimited),
        ({"output": {}}, UpstreamBroken),
        ([], UpstreamBroken),
        ("<html>", UpstreamBroken),
    ],
)
def test_errors_inside_an_answer(body: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_completion(encode(body))
    assert type(caught.value) is kind


@pytest.mark.parametrize("count", [0, 1, 17])
def test_a_stream_cut_short_is_an_error(count: int) -> None:
    with pytest.raises(UpstreamBroken):
        read_stream([b"".join(EVENTS[:count])])


@pytest.mark.parametrize(
    "event",
    [
        delta(0, text=5),
        delta(0, toolUse={"input": {}}),
        write_event("contentBlockDelta", []),
        write_message({":event-type": "messageStop"}, b"{"),
    ],
)
def test_events_that_are_none(event: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_stream([START, tool_start(0, "a", "b"), event])


HOSTILE = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.lists(st.dictionaries(st.just("ttl"), st.integers()), max_size=1)
)


@given(st.dictionaries(st.sampled_from([*USAGE]), HOSTILE))
def test_hostile_usage_is_clamped(raw: Any) -> None:
    usage = usage_from_converse(raw)
    assert all(getattr(usage, name) >= 0 for name in ("input_tokens", "output_tokens", "cache_write_5m_tokens"))


@given(*[st.integers(0, 1000)] * 4, st.booleans())
def test_usage_parts_sum_to_the_total(prompt: int, read: int, written: int, output: int, inside: bool) -> None:
    total = prompt + output + read + written
    usage = usage_from_converse(
        {
            "inputTokens": prompt + (read + written if inside else 0),
            "outputTokens": output,
            "totalTokens": total,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
        }
    )
    assert usage.total_tokens == total


@given(st.binary(max_size=60))
def test_junk_is_only_ever_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        DIALECT.parse_completion(body)
