"""The Responses stream as clients see it, the official one included."""

from collections.abc import Iterator
from typing import Any

import msgspec
import openai
import pytest

from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    Event,
    LogprobsDelta,
    ModelCall,
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
from gatewayz.sdk.errors import (
    RateLimited,
    UpstreamRateLimited,
)
from gatewayz.sdk.usage import NO_USAGE, Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_RESPONSES
from tests.fakes.event_streams import events_of

DIALECT = OPENAI_RESPONSES_DIALECT
CALL = ModelCall(model="m", messages=(), format=OPENAI_RESPONSES)
USAGE = Usage(input_tokens=5, cache_read_tokens=2, output_tokens=3, reasoning_tokens=4)


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def parse(body: Any) -> ModelCall:
    return DIALECT.parse_call(encode(body), model="up")


def read_stream(chunks: Iterator[bytes]) -> list[Event]:
    parser = DIALECT.event_parser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


def written(events: list[Event], call: ModelCall = CALL) -> bytes:
    renderer = DIALECT.event_renderer(model="shown", call=call)
    out = b"".join(renderer.render(event) for event in events)
    usage = next((event.usage for event in reversed(events) if isinstance(event, UsageReported)), NO_USAGE)
    return out + renderer.finish(usage, {"cost_usd": 0.1})


def decoded(data: bytes) -> list[Any]:
    blocks = [block for block in data.split(b"\n\n") if block]
    events = [msgspec.json.decode(block.split(b"\ndata: ", 1)[1]) for block in blocks]
    assert [block.split(b"\n", 1)[0] for block in blocks] == [b"event: " + e["type"].encode() for e in events]
    return events


def test_event_order_and_numbers() -> None:
    events = decoded(
        written(
            [
                StreamStarted(id="chatcmpl-1", model="up", created=7),
                ReasoningDelta(text="hm"),
                TextDelta(text="Hel"),
                TextDelta(text="lo"),
                LogprobsDelta(logprobs={"content": [{"token": "lo", "logprob": -1.0}]}),
                ToolUseStarted(index=0, id="c1", name="f"),
                ToolArgumentsDelta(index=0, arguments="{}"),
                ToolUseStarted(index=1, id="c2", name="g"),
                ChoiceFinished(reason="tool_calls"),
                UsageReported(usage=USAGE),
            ]
        )
    )
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [(event["type"].removeprefix("response."), event.get("output_index")) for event in events] == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2),
        ("output_item.added", 3),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("function_call_arguments.delta", 3),
        ("function_call_arguments.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]
    last = events[-1]["response"]
    assert last["status"] == "completed"
    assert last["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 14,
    }
    assert last["gateway_usage"] == {"cost_usd": 0.1}
    assert {event["response"]["id"] for event in events if "response" in event} == {"resp_1"}
    assert events[13]["text"] == "Hello"
    assert events[13]["logprobs"] == [{"token": "lo", "logprob": -1.0}]


@pytest.mark.parametrize(("reason", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_cut_short_is_incomplete(reason: Any, why: str) -> None:
    data = written([StreamStarted(id="x", model="up", created=7), TextDelta(text="a"), ChoiceFinished(reason=reason)])
    last = decoded(data)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": why}
    assert read_stream(iter([data]))[-2:-1] == [ChoiceFinished(reason=reason)]


@pytest.mark.parametrize("started", [True, False])
def test_a_failure_is_one_failed_event_and_never_success(started: bool) -> None:
    renderer = DIALECT.event_renderer(model="m", call=CALL)
    data = b""
    if started:
        data += renderer.render(StreamStarted(id="x", model="m", created=1)) + renderer.render(TextDelta(text="a"))
    data += renderer.fail(RateLimited("slow down"))
    events = decoded(data)
    assert events[0]["type"] == "response.created"
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"
    assert b"[DONE]" not in data
    assert b"response.completed" not in data
    with pytest.raises(UpstreamRateLimited):
        read_stream(iter([data]))


def client_for(content: bytes, kind: str) -> openai.OpenAI:
    import httpx2

    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, content=content, headers={"content-type": kind})
    )
    return openai.OpenAI(api_key="k", base_url="http://t/v1", http_client=httpx2.Client(transport=transport))


PARTS: tuple[Part, ...] = (
    Reasoning(text="hm", signature="s", origin=ANTHROPIC_MESSAGES),
    Text(text="Hello"),
    ToolUse(id="c1", name="f", arguments='{"a": 1}', signature="g"),
    ToolUse(id="c2", name="f", arguments="{}"),
)
SDK_CALL = parse(
    {"model": "m", "input": "x", "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": False}]}
)


def test_the_official_client_reads_an_answer() -> None:
    answer = Completion(id="x", model="m", created=1, choices=(Choice(parts=PARTS),), usage=USAGE)
    rendered = DIALECT.render_completion(answer, call=SDK_CALL, gateway_usage={"cost_usd": 1})
    with client_for(rendered, "application/json") as client:
        parsed = client.responses.create(model="m", input="x")
    assert parsed.output_text == "Hello"
    assert [item.type for item in parsed.output] == [
        "reasoning",
        "message",
        "reasoning",
        "function_call",
        "function_call",
    ]
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == USAGE.total_tokens
    type(parsed).model_validate_json(rendered)


def test_the_official_client_accumulates_a_stream() -> None:
    client = client_for(written(events_of(PARTS, 2, USAGE), SDK_CALL), "text/event-stream")
    with client, client.responses.stream(model="m", input="x") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert final.output_text == "Hello"
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.arguments) for call in calls] == [("c1", '{"a": 1}'), ("c2", "{}")]


def test_the_official_client_validates_each_event_strictly() -> None:
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for event in decoded(written(events_of(PARTS, 2, USAGE), SDK_CALL)):
        adapter.validate_json(encode(event))
