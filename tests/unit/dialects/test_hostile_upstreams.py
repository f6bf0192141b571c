"""Upstreams that send JSON of the right outline and wrong contents: an UpstreamError, or values of the right types."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.bedrock_converse import BEDROCK_CONVERSE_DIALECT
from gatewayz.dialects.cohere_chat import COHERE_CHAT_DIALECT
from gatewayz.dialects.gemini_generate import GEMINI_GENERATE_DIALECT
from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.sdk.chat import Completion, Event
from gatewayz.sdk.dialect import UpstreamDialect
from gatewayz.sdk.errors import UpstreamError
from tests.fakes.aws_events import write_event

LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)

RESPONSES_OUTPUT: list[Any] = [
    {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "e"},
    {"type": "message", "content": [{"type": "output_text", "text": "x", "annotations": [], "logprobs": []}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
]
RESPONSES_WHOLE: dict[str, Any] = {
    "id": "i",
    "model": "m",
    "created_at": 1,
    "status": "completed",
    "output": RESPONSES_OUTPUT,
    "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 2},
}
RESPONSES_EVENTS: list[Any] = [
    {"type": "response.created", "response": RESPONSES_WHOLE},
    {"type": "response.output_text.delta", "output_index": 0, "delta": "a", "logprobs": [{"token": "a"}]},
    {"type": "response.output_item.added", "output_index": 1, "item": RESPONSES_OUTPUT[2]},
    {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
    *({"type": "response.output_item.done", "output_index": 2 + i, "item": x} for i, x in enumerate(RESPONSES_OUTPUT)),
    {"type": "response.completed", "response": RESPONSES_WHOLE},
]
GEMINI_WHOLE: dict[str, Any] = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "t", "thought": True, "thoughtSignature": "s"},
                    {"text": "x"},
                    {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}},
                    {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
                ]
            },
            "finishReason": "STOP",
            "index": 0,
            "logprobsResult": {"chosenCandidates": [{"token": "x", "logProbability": -1.0}]},
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}]},
    "modelVersion": "m",
    "responseId": "r",
    "createTime": "2026-11-24T10:00:00Z",
}
COHERE_WHOLE: dict[str, Any] = {
    "id": "i",
    "message": {
        "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}],
        "tool_plan": "p",
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
    },
    "finish_reason": "COMPLETE",
    "usage": {"billed_units": {"input_tokens": 1}, "cached_tokens": 1},
    "logprobs": [{"text": "x", "logprobs": [-1.0]}],
}
COHERE_EVENTS: list[Any] = [
    {"type": "message-start", "id": "i"},
    {
        "type": "content-delta",
        "delta": {"message": {"content": {"text": "x"}}},
        "logprobs": {"text": "x", "logprobs": [0]},
    },
    {
        "type": "tool-call-start",
        "index": 0,
        "delta": {"message": {"tool_calls": COHERE_WHOLE["message"]["tool_calls"][0]}},
    },
    {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "x"}}}}},
    {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": COHERE_WHOLE["usage"]}},
]
CONVERSE_WHOLE: dict[str, Any] = {
    "output": {
        "message": {
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
                {"text": "x"},
                {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}},
                {"citationsContent": {"content": [{"text": "c"}]}},
                {"image": {"format": "png", "source": {"bytes": "QQ=="}}},
            ]
        }
    },
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "cacheDetails": [{"ttl": "1h", "inputTokens": 1}]},
}
CONVERSE_EVENTS: list[Any] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "t", "signature": "s"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "x"}}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "c", "name": "f"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{}"}}}),
    ("contentBlockStart", {"contentBlockIndex": 3, "start": {"image": {"format": "png"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"image": {"source": {"bytes": "QQ=="}}}}),
    ("contentBlockStop", {"contentBlockIndex": 3}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": CONVERSE_WHOLE["usage"]}),
]


def as_sse(event: Any) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def as_binary(event: Any) -> bytes:
    return write_event(event[0], event[1])


Case = tuple[UpstreamDialect, dict[str, Any], list[Any], Callable[[Any], bytes]]
CASES: list[Case] = [
    (OPENAI_RESPONSES_DIALECT, RESPONSES_WHOLE, RESPONSES_EVENTS, as_sse),
    (GEMINI_GENERATE_DIALECT, GEMINI_WHOLE, [GEMINI_WHOLE], as_sse),
    (COHERE_CHAT_DIALECT, COHERE_WHOLE, COHERE_EVENTS, as_sse),
    (BEDROCK_CONVERSE_DIALECT, CONVERSE_WHOLE, CONVERSE_EVENTS, as_binary),
]
case = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].format)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path to a member or item inside `value`."""
    found = [path] if path else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        found += places(inner, (*path, key))
    return found


def spoiled(value: Any, path: tuple[Any, ...], replacement: Any) -> Any:
    """A copy of `value` with something else at `path`."""
    if not path:
        return replacement
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = spoiled(copy[path[0]], path[1:], replacement)
    return copy


def read_stream(dialect: UpstreamDialect, data: bytes) -> list[Event]:
    parser = dialect.event_parser()
    return [*parser.feed(data), *parser.finish()]


@case
def test_the_unspoiled_answers_are_good(case: Case) -> None:
    dialect, whole, events, write = case
    assert dialect.parse_completion(msgspec.json.encode(whole)).choices[0].parts
    assert len(read_stream(dialect, b"".join(map(write, events)))) > 3


@case
@given(data=st.data())
def test_spoiled_answers(case: Case, data: st.DataObject) -> None:
    dialect, whole, _, _ = case
    body = spoiled(whole, data.draw(st.sampled_from(places(whole))), data.draw(JSON))
    try:
        answer = dialect.parse_completion(msgspec.json.encode(body))
    except UpstreamError:
        return
    assert msgspec.convert(msgspec.to_builtins(answer), Completion) == answer


@case
@given(data=st.data())
def test_spoiled_streams(case: Case, data: st.DataObject) -> None:
    dialect, _, events, write = case
    number = data.draw(st.integers(0, len(events) - 1))
    payload = events[number][1] if write is as_binary else events[number]
    payload = spoiled(payload, data.draw(st.sampled_from(places(payload))), data.draw(JSON))
    changed = [*events]
    changed[number] = (events[number][0], payload) if write is as_binary else payload
    try:
        read = read_stream(dialect, b"".join(map(write, changed)))
    except UpstreamError:
        return
    assert msgspec.convert(msgspec.to_builtins(read), list[Event]) == read
