"""How answers ended, as their callers see it."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.endings import end_reader
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_EMBEDDINGS, OPENAI_RESPONSES, Format


def whole(format: Format, body: Any) -> str | None:
    reader = end_reader(format)
    assert reader is not None
    return reader.read_whole(body if isinstance(body, bytes) else msgspec.json.encode(body))


def streamed(format: Format, *events: Any) -> str | None:
    reader = end_reader(format)
    assert reader is not None
    for event in events:
        reader.feed(b"event: x\ndata: " + msgspec.json.encode(event) + b"\n\n")
    return reader.ended()


def chat(finish: str | None, *arguments: Any) -> dict[str, Any]:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": each}} for each in arguments]
    return {"choices": [{"index": 0, "finish_reason": finish, "message": {"content": "x", "tool_calls": calls}}]}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (chat("stop"), None),
        (chat("length"), "length"),
        (chat("content_filter"), "content_filter"),
        (chat("tool_calls", '{"a": 1}', ""), None),
        (chat("tool_calls", '{"a": 1}', '{"a": '), "tool_arguments"),
        (chat("tool_calls", "[1]"), "tool_arguments"),
        (chat("length", '{"a": '), "length"),
        (b"not json", None),
        ({"choices": "odd"}, None),
    ],
)
def test_chat_completions(body: Any, fault: str | None) -> None:
    assert whole(OPENAI_CHAT, body) == fault


def test_chat_streams_have_arguments_in_pieces() -> None:
    def piece(text: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}}]}

    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    assert streamed(OPENAI_CHAT, piece('{"a"'), piece(": 1}"), end) is None
    assert streamed(OPENAI_CHAT, piece('{"a"'), piece(": 1"), end) == "tool_arguments"
    assert streamed(OPENAI_CHAT, {"choices": [{"delta": {"content": "x"}, "finish_reason": "length"}]}) == "length"


@pytest.mark.parametrize(
    ("word", "fault"), [("end_turn", None), ("max_tokens", "length"), ("refusal", "content_filter")]
)
def test_messages(word: str, fault: str | None) -> None:
    assert whole(ANTHROPIC_MESSAGES, {"stop_reason": word, "content": []}) == fault
    assert streamed(ANTHROPIC_MESSAGES, {"type": "message_delta", "delta": {"stop_reason": word}}) == fault


def test_messages_streams_have_arguments_in_pieces() -> None:
    def piece(text: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": text}}

    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}
    assert streamed(ANTHROPIC_MESSAGES, piece(""), piece('{"a": '), piece("2}"), end) is None
    assert streamed(ANTHROPIC_MESSAGES, piece('{"a": '), end) == "tool_arguments"


def test_responses() -> None:
    call = {"type": "function_call", "arguments": "{"}
    assert whole(OPENAI_RESPONSES, {"status": "completed", "output": []}) is None
    assert whole(OPENAI_RESPONSES, {"output": [call]}) == "tool_arguments"
    cut = {"incomplete_details": {"reason": "max_output_tokens"}, "output": []}
    assert streamed(OPENAI_RESPONSES, {"type": "response.incomplete", "response": cut}) == "length"


def test_formats_without_conversations_have_no_reader() -> None:
    assert end_reader(OPENAI_EMBEDDINGS) is None
