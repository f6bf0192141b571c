"""Cohere's answers, recorded-style, whole and streamed under any chunking.

Payloads have the shapes of the vendor's reference pages.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.cohere_chat import COHERE_CHAT_DIALECT, usage_from_cohere
from gatewayz.dialects.collecting import collect_completion
from gatewayz.sdk.chat import (
    Event,
    ModelCall,
    Reasoning,
    StreamStarted,
    Text,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import UpstreamBroken, UpstreamError, UpstreamRateLimited
from tests.fakes.event_streams import cut

DIALECT = COHERE_CHAT_DIALECT


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default", model: str = "command-a-reasoning") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model=model, losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


USAGE = {
    "billed_units": {"input_tokens": 17, "output_tokens": 12.0},
    "tokens": {"input_tokens": 215, "output_tokens": 36},
    "cached_tokens": 7,
}
WHOLE = {
    "id": "id-1",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm, ü"}],
        "tool_plan": "I will call.",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"q":"é"}'}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
        ],
    },
    "finish_reason": "TOOL_CALL",
    "usage": USAGE,
}


def piece(type: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"type": type, "delta": {"message": message}}
    return event if index is None else {**event, "index": index}


def call_piece(**function: str) -> dict[str, Any]:
    return {"function": function}


START = {
    "type": "message-start",
    "id": "id-1",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
}
END = {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": USAGE}}
EVENTS = [
    START,
    piece("content-start", 0, content={"type": "thinking", "thinking": ""}),
    piece("content-delta", 0, content={"thinking": "hm,"}),
    piece("content-delta", 0, content={"thinking": " ü"}),
    {"type": "content-end", "index": 0},
    piece("tool-plan-delta", tool_plan="I will"),
    piece("tool-plan-delta", tool_plan=" call."),
    piece("tool-call-start", 0, tool_calls={"id": "c1", "type": "function", **call_piece(name="f", arguments="")}),
    piece("tool-call-delta", 0, tool_calls=call_piece(arguments='{"q":')),
    piece("tool-call-delta", 0, tool_calls=call_piece(arguments='"é"}')),
    {"type": "tool-call-end", "index": 0},
    piece("tool-call-start", 1, tool_calls={"id": "c2", "type": "function", **call_piece(name="g", arguments="")}),
    {"type": "tool-call-end", "index": 1},
    piece("citation-start", 0, citations={"start": 1, "end": 2}),
    END,
]


def stream_of(events: list[Any]) -> bytes:
    return b"".join(b"event: " + e["type"].encode() + b"\ndata: " + encode(e) + b"\n\n" for e in events)


def read_stream(pieces: Any) -> list[Event]:
    parser = DIALECT.event_parser()
    events = [event for data in pieces for event in parser.feed(data)]
    return events + parser.finish()


def test_reads_a_whole_answer() -> None:
    answer = DIALECT.parse_completion(encode(WHOLE))
    (choice,) = answer.choices
    assert answer.id == "id-1"
    assert choice.finish_reason == "tool_calls"
    assert choice.parts == (
        Reasoning(text="hm, ü"),
        Text(text="I will call."),
        ToolUse(id="c1", name="f", arguments='{"q":"é"}'),
        ToolUse(id="c2", name="g", arguments="{}"),
    )
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (10, 7, 12)


@given(st.lists(st.integers(0, 5000), max_size=15))
def test_stream_and_whole_agree_under_any_chunking(places: list[int]) -> None:
    assert collect_completion(read_stream(cut(stream_of(EVENTS), places))) == DIALECT.parse_completion(encode(WHOLE))


def test_stream_byte_by_byte() -> None:
    data = stream_of(EVENTS) + b"data: [DONE]\n\n"
    events = read_stream(data[i : i + 1] for i in range(len(data)))
    assert events == read_stream([data])
    assert events[0] == StreamStarted(id="id-1", model="", created=0)


def test_logprobs_whole_and_streamed() -> None:
    entry = {"text": "né", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]}
    expected = {"content": [{"token": "né", "logprob": -0.75, "bytes": [110, 195, 169], "top_logprobs": []}]}
    whole = {
        **WHOLE,
        "message": {"content": [{"type": "text", "text": "né"}]},
        "logprobs": [entry],
        "finish_reason": "COMPLETE",
    }
    answer = DIALECT.parse_completion(encode(whole))
    assert answer.choices[0].logprobs == expected
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}}
    delta = {**piece("content-delta", 0, content={"type": "text", "text": "né"}), "logprobs": entry}
    assert collect_completion(read_stream([stream_of([START, delta, end])])) == answer


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop_sequence"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"),
        ("NEW_IN_2027", "stop"),
    ],
)
def test_finish_reasons(reason: str, finish: str) -> None:
    assert DIALECT.parse_completion(encode({**WHOLE, "finish_reason": reason})).choices[0].finish_reason == finish


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"message": "too many"}, UpstreamBroken, "too many"),
        ({"error": {"message": "slow", "code": 429}}, UpstreamRateLimited, "slow"),
        ({**WHOLE, "finish_reason": "ERROR"}, UpstreamBroken, "the provider stopped with ERROR"),
        ({**WHOLE, "finish_reason": "TIMEOUT"}, UpstreamBroken, "the provider stopped with TIMEOUT"),
        ({"finish_reason": 5}, UpstreamBroken, "the provider sent something that is not a Cohere answer"),
        ([], UpstreamBroken, "the provider sent something that is not a Cohere answer"),
    ],
)
def test_errors_inside_an_answer(body: Any, kind: type[UpstreamError], message: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_completion(encode(body))
    assert (type(caught.value), caught.value.message) == (kind, message)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "boom"}}, UpstreamBroken),
        ({"type": "error", "error": {"code": 429, "message": "m"}}, UpstreamRateLimited),
        ({"type": "", "message": "boom"}, UpstreamBroken),
        (piece("tool-call-delta", 9, tool_calls=call_piece(arguments="x")), UpstreamBroken),
        (piece("content-delta", 0, content={"text": 5}), UpstreamBroken),
    ],
)
def test_errors_inside_a_stream(event: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught:
        read_stream([stream_of([START, event])])
    assert type(caught.value) is kind


@pytest.mark.parametrize("count", [0, 1, len(EVENTS) - 1])
def test_a_stream_cut_short_is_an_error(count: int) -> None:
    with pytest.raises(UpstreamBroken):
        read_stream([stream_of(EVENTS[:count])])


HOSTILE = st.none() | st.integers() | st.floats() | st.text(max_size=3)
UNITS = st.dictionaries(st.sampled_from(["input_tokens", "output_tokens"]), HOSTILE) | HOSTILE


@given(st.dictionaries(st.sampled_from([*USAGE]), UNITS))
def test_hostile_usage_is_clamped(raw: Any) -> None:
    usage = usage_from_cohere(raw)
    assert usage.input_tokens >= 0
    assert usage.output_tokens >= 0


@given(*[st.integers(0, 1000)] * 3)
def test_usage_parts_sum_to_the_total(prompt: int, cached: int, output: int) -> None:
    units = {"input_tokens": prompt, "output_tokens": output}
    assert usage_from_cohere({"tokens": units, "cached_tokens": cached}).total_tokens == prompt + output


@given(st.binary(max_size=60))
def test_junk_is_only_ever_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        DIALECT.parse_completion(body)
