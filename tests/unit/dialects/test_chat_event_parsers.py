"""Habits of vendors, and faults, in streams of both chat formats."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT as ANTHROPIC
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT as OPENAI
from gatewayz.sdk import errors
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    ModelCall,
    ReasoningDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.usage import Usage
from tests.fakes.patient_settings import PATIENT


def sse(*datas: Any) -> bytes:
    lines = (data if isinstance(data, bytes) else msgspec.json.encode(data) for data in datas)
    return b"".join(b"data: " + line + b"\n\n" for line in lines)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **members: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "model": "m", "created": 7, "choices": choices, **members}


def tool(**members: Any) -> dict[str, Any]:
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    return {"tool_calls": [{**members, "function": function}]}


def events_of(dialect: Any, body: bytes) -> list[Event]:
    parser = dialect.event_parser()
    events: list[Event] = [*parser.feed(body), *parser.finish()]
    return events


def openai_tools(*deltas: dict[str, Any]) -> list[tuple[str, str, str]]:
    events = events_of(OPENAI, sse(*map(chunk, deltas), chunk({}, "tool_calls"), b"[DONE]"))
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolUseStarted):
            assert event.index not in calls
            calls[event.index] = [event.id, event.name, ""]
        elif isinstance(event, ToolArgumentsDelta):
            calls[event.index][2] += event.arguments
    assert list(calls) == list(range(len(calls)))
    return [(id, name, arguments) for id, name, arguments in calls.values()]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [tool(index=0, id="a", name="f", arguments=""), tool(index=0, arguments="{}")],
            [("a", "f", "{}")],
            id="usual",
        ),
        pytest.param(
            [tool(id="a", name="f", arguments='{"x"'), tool(arguments=":1}"), tool(id="b", name="g", arguments="{}")],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
            id="no index",
        ),
        pytest.param(
            [tool(index=0, id="a", name="f", arguments="{}"), tool(index=0, id="b", name="g", arguments="{}")],
            [("a", "f", "{}"), ("b", "g", "{}")],
            id="one index for all",
        ),
        pytest.param(
            [tool(index=0, id="a", name="f", arguments="{"), tool(index=0, id="a", name="f", arguments="}")],
            [("a", "f", "{}")],
            id="id and name repeated",
        ),
        pytest.param(
            [tool(index=0, id="a", name="f"), tool(index=1, id="b", name="g"), tool(index=0, arguments="{}"),
             tool(index=1, arguments="[]")],
            [("a", "f", "{}"), ("b", "g", "[]")],
            id="interleaved",
        ),
        pytest.param([tool(index=0, id="a", name="f", arguments={"x": 1})], [("a", "f", '{"x":1}')], id="object"),
        pytest.param(
            [tool(index=0, id="a", arguments="{"), tool(index=0, name="f", arguments="}")],
            [("a", "f", "{}")],
            id="name comes late",
        ),
        pytest.param([tool(index=0, name="f", arguments="{}")], [("call_c_0_0", "f", "{}")], id="no id"),
        pytest.param(
            [tool(index=1, id="a", name="f", arguments="{}")], [("a", "f", "{}")], id="index begins at 1"
        ),
        pytest.param(
            [{"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}}],
            [("call_c_0_0", "f", "{}")],
            id="legacy function call",
        ),
    ],
)  # fmt: skip
def test_openai_tool_calls_however_they_are_cut(
    deltas: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    assert openai_tools(*deltas) == expected


def test_a_stop_after_tool_calls_means_tool_calls() -> None:
    body = sse(chunk(tool(index=0, id="a", name="f", arguments="{}")), chunk({}, "stop"))
    assert events_of(OPENAI, body)[-1] == ChoiceFinished(reason="tool_calls")


@pytest.mark.parametrize(
    "usage",
    [
        sse(chunk({}, "stop", usage={"prompt_tokens": 3, "completion_tokens": 2})),
        sse(chunk({}, "stop"), chunk(usage={"prompt_tokens": 3, "completion_tokens": 2})),
        sse(chunk({}, "stop", usage=None, x_groq={"usage": {"prompt_tokens": 3, "completion_tokens": 2}})),
    ],
)
def test_openai_usage_wherever_it_comes(usage: bytes) -> None:
    events = events_of(OPENAI, sse(chunk({"content": "x"}, usage=None)) + usage + b"data: [DONE]\n\n")
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert [(report.input_tokens, report.output_tokens) for report in reports] == [(3, 2)]


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning_content": "r"}, ReasoningDelta(text="r", origin="openai_chat")),
        ({"reasoning": "r"}, ReasoningDelta(text="r", origin="openai_chat")),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "r", "signature": "s", "format": "f"}]},
            ReasoningDelta(text="r", signature="s", origin="f"),
        ),
        ({"content": [{"type": "text", "text": "x"}, {"type": "other"}]}, TextDelta(text="x")),
    ],
)
def test_openai_deltas_of_other_shapes(delta: dict[str, Any], expected: Event) -> None:
    assert events_of(OPENAI, sse(chunk(delta), chunk({}, "stop")))[1] == expected


def test_a_stream_without_finish_reason_is_whole_only_when_it_says_done() -> None:
    said = sse(chunk({"content": "x"}))
    assert events_of(OPENAI, said + b"data: [DONE]\n\n")[-1] == ChoiceFinished(reason="stop")
    with pytest.raises(errors.UpstreamBroken, match="ended before"):
        events_of(OPENAI, said)


START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 9}}}
STOP: tuple[dict[str, Any], ...] = (
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (OPENAI, b""),
        (OPENAI, b"data: [DONE]\n\n"),
        (OPENAI, b'{"error": {"message": "no stream"}}'),
        (OPENAI, sse(chunk({"role": "assistant"}), b"[DONE]")),
        (OPENAI, sse(chunk({"content": "x"}), b"{broken")),
        (OPENAI, sse(chunk({"content": 5}))),
        (OPENAI, sse(chunk({"content": "x"}, "error"))),
        (OPENAI, sse(chunk(tool(index=0, id="a", arguments="{}")), chunk({}, "tool_calls"))),
        (OPENAI, sse(b"[1]")),
        (OPENAI, sse(b'{"id":"\xff"}')),
        (ANTHROPIC, b""),
        (ANTHROPIC, sse(START)),
        (ANTHROPIC, sse(START, {"type": "message_stop"})),
        (ANTHROPIC, sse(START, b"{broken")),
        (ANTHROPIC, sse(START, {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}})),
        (ANTHROPIC, sse(START, {"type": "content_block_start", "index": 0})),
    ],
)
def test_junk_and_early_ends_are_broken(dialect: Any, body: bytes) -> None:
    with pytest.raises(errors.UpstreamBroken):
        events_of(dialect, body)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "overloaded_error", "message": "m"}, errors.UpstreamOverloaded),
        ({"type": "rate_limit_error", "message": "m"}, errors.UpstreamRateLimited),
        ({"type": "server_error", "message": "m"}, errors.UpstreamBroken),
        ({"code": 429, "message": "m"}, errors.UpstreamRateLimited),
    ],
)
def test_error_events_raise_their_class(dialect: Any, error: dict[str, Any], expected: type[Exception]) -> None:
    first = chunk({"role": "assistant"}) if dialect is OPENAI else START
    with pytest.raises(expected):
        events_of(dialect, sse(first, {"type": "error", "error": error}))


def test_anthropic_events() -> None:
    body = sse(
        START,
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "t"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "d"}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "server_tool_use", "id": "x"}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_start", "index": 3, "content_block": {"type": "text", "text": "a"}},
        {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "b"}},
        {"type": "content_block_delta", "index": 3, "delta": {"type": "citations_delta", "citation": {}}},
        {
            "type": "content_block_start",
            "index": 4,
            "content_block": {"type": "tool_use", "id": "i", "name": "f", "input": {}},
        },
        {"type": "content_block_stop", "index": 4},
        {"type": "unheard_of"},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
            "usage": {"output_tokens": 4, "input_tokens": 0, "cache_read_input_tokens": 5},
        },
        {"type": "message_stop"},
    )
    events = events_of(ANTHROPIC, body)
    usages = [event for event in events if isinstance(event, UsageReported)]
    assert [event for event in events if not isinstance(event, UsageReported)] == [
        StreamStarted(id="msg_1", model="m", created=0),
        ReasoningDelta(text="t", origin="anthropic_messages"),
        ReasoningDelta(signature="s", origin="anthropic_messages"),
        ReasoningDelta(redacted="d", origin="anthropic_messages"),
        TextDelta(text="a"),
        TextDelta(text="b"),
        ToolUseStarted(index=0, id="i", name="f"),
        ToolArgumentsDelta(index=0, arguments="{}"),
        ChoiceFinished(reason="stop_sequence", stop_sequence="END"),
    ]
    last = usages[-1].usage
    assert (last.input_tokens, last.cache_read_tokens, last.output_tokens) == (9, 5, 4)


def test_signed_thinking_crosses_a_stream_to_an_openai_client_and_back() -> None:
    events: list[Event] = [
        StreamStarted(id="a", model="m", created=1),
        ReasoningDelta(text="think", origin="anthropic_messages"),
        ReasoningDelta(signature="sig", origin="anthropic_messages"),
        TextDelta(text="x"),
        ChoiceFinished(reason="stop"),
    ]
    renderer = OPENAI.event_renderer(model="m", call=ModelCall(model="m", messages=()))
    body = b"".join(map(renderer.render, events)) + renderer.finish(Usage(), {})
    deltas = [
        msgspec.json.decode(line[6:])["choices"][0]["delta"] for line in body.split(b"\n\n") if b"choices" in line
    ]
    message = {
        "role": "assistant",
        "content": "x",
        "reasoning_content": "".join(delta.get("reasoning_content", "") for delta in deltas),
        "reasoning_details": [detail for delta in deltas for detail in delta.get("reasoning_details", ())],
    }
    request = {"model": "m", "messages": [{"role": "user", "content": "q"}, message, {"role": "user", "content": "q"}]}
    call = OPENAI.parse_call(msgspec.json.encode(request), model="m")
    from gatewayz.sdk.dialect import Losses

    rendered = ANTHROPIC.render_call(call, model="m", losses=Losses("reject"))
    assert msgspec.json.decode(rendered.body)["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "think",
        "signature": "sig",
    }


hostile = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["type", "id", "choices", "delta", "index", "content", "tool_calls", "function", "name", "arguments",
                 "usage", "error", "message", "content_block", "finish_reason", "stop_reason", "logprobs", "input"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@PATIENT
@given(datas=st.lists(hostile, max_size=4))
def test_hostile_streams_and_answers_only_raise_upstream_errors(dialect: Any, datas: list[Any]) -> None:
    first = chunk({"content": "x"}) if dialect is OPENAI else START
    parser = dialect.event_parser()
    with contextlib.suppress(errors.UpstreamError):
        for data in (first, *datas):
            parser.feed(sse(data))
        parser.finish()
    for data in datas:
        with contextlib.suppress(errors.UpstreamError):
            dialect.parse_completion(msgspec.json.encode(data))
