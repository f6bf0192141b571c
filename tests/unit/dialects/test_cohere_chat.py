"""Cohere's chat API: golden requests, recorded-style answers, streams under any chunking."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.cohere_chat import COHERE_CHAT_DIALECT, usage_from_cohere
from gatewayz.dialects.collecting import collect_completion
from gatewayz.sdk.chat import (
    Audio,
    CacheMark,
    Document,
    Event,
    Image,
    Message,
    ModelCall,
    Opaque,
    Reasoning,
    ReasoningConfig,
    ResponseFormat,
    StreamStarted,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken, UpstreamError, UpstreamRateLimited
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES
from tests.fakes.event_streams import cut

DIALECT = COHERE_CHAT_DIALECT
USER = Message(role="user", parts=(Text(text="x"),))
PLAIN = ModelCall(model="m", messages=(USER,))
TOOL = Tool(name="f")


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default", model: str = "command-a-reasoning") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model=model, losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


def changed(**fields: Any) -> ModelCall:
    return msgspec.structs.replace(PLAIN, **fields)


RICH = ModelCall(
    model="m",
    messages=(
        Message(role="developer", parts=(Text(text="S"),)),
        Message(
            role="user",
            parts=(
                Text(text="hi"),
                Image(data="QUJD", media_type="image/png", detail="low"),
                Document(text="body", title="T"),
            ),
        ),
        Message(
            role="assistant",
            parts=(Reasoning(text="hm"), Text(text="plan"), ToolUse(id="c1", name="f", arguments='{"a":1}')),
        ),
        Message(
            role="tool",
            parts=(
                ToolResult(tool_use_id="c1", parts=(Text(text="r"),)),
                ToolResult(tool_use_id="c2", parts=(Text(text="s"),)),
            ),
        ),
        Message(role="assistant", parts=(Reasoning(text="hm"), Text(text="done"))),
    ),
    tools=(Tool(name="f", description="d", parameters={"type": "object"}, strict=True), Tool(name="g", strict=True)),
    tool_choice=ToolChoice(mode="required"),
    max_tokens=5,
    temperature=0.5,
    top_p=1.0,
    top_k=4,
    stop=("a",),
    seed=7,
    frequency_penalty=0.1,
    presence_penalty=0.2,
    logprobs=True,
    reasoning=ReasoningConfig(budget_tokens=500),
    stream=True,
)


def test_renders_a_rich_call() -> None:
    body, dropped = sent(RICH)
    assert dropped == ()
    assert body == {
        "model": "command-a-reasoning",
        "messages": [
            {"role": "system", "content": "S"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "hi"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
                    {"type": "text", "text": "T\n\nbody"},
                ],
            },
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
                "tool_plan": "plan",
                "content": [{"type": "thinking", "thinking": "hm"}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "tool", "tool_call_id": "c2", "content": "s"},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "done"}],
            },
        ],
        "stream": True,
        "max_tokens": 5,
        "temperature": 0.5,
        "p": 0.99,
        "k": 4,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "stop_sequences": ["a"],
        "logprobs": True,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ],
        "strict_tools": True,
        "tool_choice": "REQUIRED",
        "thinking": {"type": "enabled", "token_budget": 500},
    }


@pytest.mark.parametrize(
    ("choice", "names", "word"),
    [
        (ToolChoice(mode="auto"), ["f", "g"], None),
        (ToolChoice(mode="none"), ["f", "g"], "NONE"),
        (ToolChoice(mode="named", name="g"), ["g"], "REQUIRED"),
    ],
)
def test_tool_choice(choice: ToolChoice, names: list[str], word: str | None) -> None:
    body, _ = sent(changed(tools=(TOOL, Tool(name="g")), tool_choice=choice))
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body.get("tool_choice") == word


def test_structured_output() -> None:
    schema = {"type": "object", "required": ["a"]}
    format = ResponseFormat(kind="json_schema", schema=schema)
    assert sent(changed(response_format=format))[0]["response_format"] == {"type": "json_object", "json_schema": schema}
    assert sent(changed(response_format=ResponseFormat(kind="json_object")))[0]["response_format"] == {
        "type": "json_object"
    }


def test_thinking_only_for_models_that_think() -> None:
    off = changed(reasoning=ReasoningConfig(enabled=False))
    assert sent(off)[0]["thinking"] == {"type": "disabled"}
    assert "thinking" not in sent(off, model="command-a")[0]
    assert sent(changed(reasoning=ReasoningConfig()))[0]["thinking"] == {"type": "enabled"}
    assert sent(changed(reasoning=ReasoningConfig()), model="command-a")[1] == ("reasoning",)


@pytest.mark.parametrize(
    ("change", "name", "refused"),
    [
        ({"logit_bias": {"1": 1}}, "logit_bias", False),
        ({"top_logprobs": 2}, "top_logprobs", False),
        ({"user": "u"}, "user", False),
        ({"metadata": {"a": "b"}}, "metadata", False),
        ({"service_tier": "flex"}, "service_tier", False),
        ({"frequency_penalty": -1.0}, "frequency_penalty", False),
        ({"presence_penalty": 1.5}, "presence_penalty", False),
        ({"extra": {"odd": 1}, "format": "openai_chat"}, "odd", False),
        ({"tools": (TOOL,), "parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"tools": (TOOL, Tool(name="g", strict=True))}, "tools.strict", False),
        ({"messages": (Message(role="user", parts=(Text(text="x", cache=CacheMark()),)),)}, "cache_control", False),
        (
            {
                "messages": (
                    USER,
                    Message(role="assistant", parts=(Reasoning(signature="s", origin=ANTHROPIC_MESSAGES),)),
                )
            },
            "thinking_signature",
            False,
        ),
        (
            {"messages": (USER, Message(role="tool", parts=(ToolResult(tool_use_id="c", is_error=True),)))},
            "tool_result.is_error",
            False,
        ),
        ({"n": 2}, "n", True),
        ({"opaque_tools": (Opaque(format="other", value={"type": "bash"}),)}, "tools.bash", True),
        ({"tools": (TOOL,), "tool_choice": ToolChoice(mode="named", name="zz")}, "tool_choice", True),
        ({"tools": (TOOL,), "response_format": ResponseFormat(kind="json_object")}, "response_format", True),
        (
            {"messages": (USER, Message(role="user", parts=(Audio(data="", format="wav"),)))},
            "messages.content.audio",
            True,
        ),
        (
            {"messages": (USER, Message(role="user", parts=(Document(url="http://d"),)))},
            "messages.content.document",
            True,
        ),
        (
            {"messages": (USER, Message(role="tool", parts=(ToolResult(tool_use_id="c", parts=(Image(url="u"),)),)))},
            "messages.tool_result.image",
            True,
        ),
    ],
)
def test_what_the_format_cannot_carry(change: Any, name: str, refused: bool) -> None:
    call = changed(**change)
    assert sent(call, "drop")[1] == (name,)
    for policy in ("default", "reject"):
        if refused or policy == "reject":
            with pytest.raises(UnsupportedFeature) as caught:
                sent(call, policy)
            assert caught.value.param == name
        else:
            assert sent(call, policy)[1] == (name,)


# Answers in the shapes of the vendor's reference pages.

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
