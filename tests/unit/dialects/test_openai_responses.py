"""Whole answers and streams of the Responses API: round trips, and upstreams that misbehave."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT, usage_from_responses
from gatewayz.sdk.chat import (
    Choice,
    Completion,
    Event,
    FinishReason,
    Message,
    ModelCall,
    Part,
    Reasoning,
    RefusalDelta,
    Text,
    ToolResult,
    ToolUse,
    UsageReported,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import (
    ContentFiltered,
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gatewayz.sdk.usage import NO_USAGE, Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, GEMINI_GENERATE, OPENAI_RESPONSES
from tests.fakes.event_streams import cut, events_of, joined

DIALECT = OPENAI_RESPONSES_DIALECT
CALL = ModelCall(model="m", messages=(), format=OPENAI_RESPONSES)
USAGE = Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3, reasoning_tokens=4)


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def parse(body: Any) -> ModelCall:
    return DIALECT.parse_call(encode(body), model="up")


def sent(call: ModelCall, policy: Any = "default") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model="up", losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


def test_foreign_signatures_survive_a_turn() -> None:
    parts: tuple[Part, ...] = (
        Reasoning(text="hm", signature="sig==", origin=ANTHROPIC_MESSAGES),
        Reasoning(redacted="secret", origin=ANTHROPIC_MESSAGES),
        ToolUse(id="c1", name="f", arguments="{}", signature="gemini-sig"),
    )
    answer = Completion(id="x", model="m", created=1, choices=(Choice(parts=parts),))
    output = msgspec.json.decode(DIALECT.render_completion(answer, call=CALL, gateway_usage={}))["output"]
    again = parse({"model": "m", "input": output}).messages[0].parts
    assert [msgspec.structs.replace(p, id=None) if isinstance(p, Reasoning) else p for p in again] == list(parts)


def test_foreign_signatures_are_dropped_knowingly_upstream() -> None:
    call = ModelCall(
        model="m",
        messages=(
            Message(
                role="assistant",
                parts=(
                    Reasoning(text="t", signature="s", origin=ANTHROPIC_MESSAGES),
                    ToolUse(id="c", name="f", arguments="{}", signature="g"),
                ),
            ),
        ),
    )
    body, dropped = sent(call)
    assert dropped == ("thinking_signature",)
    assert body["input"] == [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]


TEXT = st.text(min_size=1, max_size=12)
NAME = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers(-9, 9), max_size=3).map(lambda d: encode(d).decode())
USE = st.builds(ToolUse, id=NAME, name=NAME, arguments=ARGUMENTS, signature=st.none() | TEXT)
THOUGHT = st.builds(Reasoning, text=TEXT, signature=TEXT, origin=st.just(GEMINI_GENERATE)) | st.builds(
    Reasoning, text=st.just("") | TEXT, redacted=TEXT.map("r".__add__), origin=st.just(OPENAI_RESPONSES)
)
ANSWER = st.tuples(
    st.lists(THOUGHT, max_size=2),
    st.lists(st.builds(Text, text=TEXT), max_size=1),
    st.lists(USE, max_size=4, unique_by=lambda use: use.id),
).map(lambda groups: tuple(part for group in groups for part in group))


def without_ids(parts: tuple[Part, ...]) -> list[Part]:
    return [msgspec.structs.replace(p, id=None) if isinstance(p, Reasoning) else p for p in parts]


@given(ANSWER)
def test_whole_answers_round_trip(parts: tuple[Part, ...]) -> None:
    reason: FinishReason = "tool_calls" if any(isinstance(part, ToolUse) for part in parts) else "stop"
    answer = Completion(
        id="resp_x", model="m", created=7, choices=(Choice(parts=parts, finish_reason=reason),), usage=USAGE
    )
    again = DIALECT.parse_completion(DIALECT.render_completion(answer, call=CALL, gateway_usage={"cost_usd": 1}))
    assert without_ids(again.choices[0].parts) == list(parts)
    assert again.choices[0].finish_reason == reason
    assert (again.id, again.model, again.created) == ("resp_x", "m", 7)
    assert msgspec.structs.replace(again.usage, raw=None) == USAGE


HISTORY = st.lists(
    st.one_of(
        st.builds(lambda t: [Message(role="user", parts=(Text(text=t),))], TEXT),
        st.builds(
            lambda uses, texts: [
                Message(role="assistant", parts=(*(Text(text=t) for t in texts), *uses)),
                Message(
                    role="tool",
                    parts=tuple(ToolResult(tool_use_id=u.id, parts=(Text(text=u.name),)) for u in uses),
                ),
            ],
            st.lists(st.builds(ToolUse, id=NAME, name=NAME, arguments=ARGUMENTS), min_size=1, max_size=4),
            st.lists(TEXT, max_size=1),
        ),
    ),
    min_size=1,
    max_size=4,
).map(lambda turns: tuple(message for turn in turns for message in turn))


@given(HISTORY)
def test_histories_round_trip(messages: tuple[Message, ...]) -> None:
    body = DIALECT.render_call(ModelCall(model="m", messages=messages), model="m", losses=Losses("reject")).body
    assert DIALECT.parse_call(body, model="m").messages == messages


def read_stream(chunks: Iterator[bytes]) -> list[Event]:
    parser = DIALECT.event_parser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


def written(events: list[Event], call: ModelCall = CALL) -> bytes:
    renderer = DIALECT.event_renderer(model="shown", call=call)
    out = b"".join(renderer.render(event) for event in events)
    usage = next((event.usage for event in reversed(events) if isinstance(event, UsageReported)), NO_USAGE)
    return out + renderer.finish(usage, {"cost_usd": 0.1})


@settings(max_examples=60)
@given(ANSWER, st.integers(1, 5), st.lists(st.integers(0, 10_000), max_size=12))
def test_streams_round_trip_under_any_chunking(parts: tuple[Part, ...], split: int, places: list[int]) -> None:
    events = events_of(parts, split, USAGE)
    assert joined(read_stream(cut(written(events), places))) == joined(events)


def test_streams_round_trip_byte_by_byte() -> None:
    events = events_of(
        (Text(text="é\u2028\U0001f600"), ToolUse(id="c", name="f", arguments='{"a":"\\u00e9"}')), 1, USAGE
    )
    data = written(events)
    assert joined(read_stream(data[i : i + 1] for i in range(len(data)))) == joined(events)


@given(ANSWER)
def test_stream_and_whole_agree(parts: tuple[Part, ...]) -> None:
    last = msgspec.json.decode(written(events_of(parts, 3, USAGE)).split(b"\ndata: ")[-1])["response"]
    reason: FinishReason = "tool_calls" if any(isinstance(part, ToolUse) for part in parts) else "stop"
    whole = msgspec.json.decode(
        DIALECT.render_completion(
            Completion(
                id="resp_x", model="shown", created=7, choices=(Choice(parts=parts, finish_reason=reason),), usage=USAGE
            ),
            call=CALL,
            gateway_usage={"cost_usd": 0.1},
        )
    )
    assert last == whole


def lines(*events: Any) -> bytes:
    return b"".join(b"data: " + encode(event) + b"\n\n" for event in events)


CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "up", "created_at": 7, "output": []}}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "m"}, UpstreamRateLimited),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}, UpstreamRejected),
        ({"error": {"message": "m", "code": 503}}, UpstreamOverloaded),
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}}, UpstreamBroken),
        ({"type": "response.failed", "response": {"error": {"code": "content_filter"}}}, ContentFiltered),
        ({"type": "response.failed", "response": {}}, UpstreamBroken),
        ({"type": "response.created", "response": {}}, UpstreamBroken),
        ({"type": "response.function_call_arguments.delta", "output_index": 9, "delta": "x"}, UpstreamBroken),
        ({"type": "response.output_text.delta", "output_index": "x", "delta": "x"}, UpstreamBroken),
        ([], UpstreamBroken),
    ],
)
def test_errors_inside_a_stream(event: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.event_parser().feed(lines(event))
    assert type(caught.value) is kind


@pytest.mark.parametrize("data", [b"", lines(CREATED), lines(CREATED) + b"data: [DONE]\n\n"])
def test_an_early_end_is_an_error(data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_stream(iter([data]))


def test_servers_that_send_items_whole() -> None:
    done = "response.output_item.done"
    data = lines(
        CREATED,
        {"type": done, "output_index": 0, "item": {"type": "reasoning", "summary": [{"text": "hm"}]}},
        {
            "type": done,
            "output_index": 1,
            "item": {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
        },
        {
            "type": done,
            "output_index": 2,
            "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        },
        {"type": "response.unheard_of", "delta": {"a": 1}},
        {"type": "response.completed", "response": {"id": "resp_1", "model": "up", "usage": {"input_tokens": 3}}},
    )
    assert joined(read_stream(iter([data]))) == [
        ["thought", "hm", None],
        ["text", "a"],
        ["call", "c", "f", None, "{}"],
        ["finished", "tool_calls"],
        ["usage", Usage(input_tokens=3)],
    ]


def test_refusals_are_read() -> None:
    data = lines(CREATED, {"type": "response.refusal.delta", "delta": "no"}, {**CREATED, "type": "response.completed"})
    assert RefusalDelta(text="no") in read_stream(iter([data]))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", UpstreamBroken),
        (b"{}", UpstreamBroken),
        (b'{"id":"r","model":"m","output":{}}', UpstreamBroken),
        (b'{"id":"r","model":"m","output":[{"type":5}]}', UpstreamBroken),
        (b'{"error":{"code":"rate_limit_exceeded","message":"m"}}', UpstreamRateLimited),
        (b'{"status":"failed","output":[],"error":{"code":"server_error"}}', UpstreamBroken),
    ],
)
def test_answers_that_are_none(body: bytes, kind: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_completion(body)
    assert type(caught.value) is kind


HOSTILE = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=1)


@given(st.fixed_dictionaries({n: HOSTILE for n in ("input_tokens", "output_tokens", "input_tokens_details")}))
def test_hostile_usage_is_clamped(raw: Any) -> None:
    usage = usage_from_responses(raw)
    assert usage.prompt_tokens >= 0
    assert usage.completion_tokens >= 0


@given(*[st.integers(0, 1000)] * 4)
def test_usage_parts_sum_to_the_total(prompt: int, cached: int, completion: int, reasoning: int) -> None:
    usage = usage_from_responses(
        {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": reasoning},
        }
    )
    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt, completion)
