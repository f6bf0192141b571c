from typing import Any

import msgspec
import pytest

from gatewayz.dialects.turns import TURNS, Said
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, Format

HISTORY = [Said(role="user", content='say "hi"'), Said(role="assistant", content="hi\n")]


def grown(format: Format, body: dict[str, Any], history: list[Said] = HISTORY) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.json.decode(TURNS[format].with_history(msgspec.json.encode(body), history))
    return built


def test_history_stands_between_instructions_and_the_new_messages() -> None:
    body = {
        "model": "m",
        "session_id": 3,
        "made_up": {"kept": [1.0]},
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "now", "name": "kept"}],
    }
    built = grown(OPENAI_CHAT, body)
    assert [each["content"] for each in built["messages"]] == ["s", 'say "hi"', "hi\n", "now"]
    assert built["messages"][3] == {"role": "user", "content": "now", "name": "kept"}
    assert built["made_up"] == {"kept": [1.0]} and "session_id" not in built


@pytest.mark.parametrize(
    ("own", "blocks"),
    [
        ({}, []),
        ({"system": "be brief"}, [{"type": "text", "text": "be brief"}]),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}, None),
    ],
)
def test_instructions_of_a_session_are_a_system_member(own: dict[str, Any], blocks: list[Any] | None) -> None:
    history = [Said(role="system", content="rhyme"), *HISTORY]
    built = grown(ANTHROPIC_MESSAGES, {**own, "messages": [{"role": "user", "content": "now"}]}, history)
    assert [each["role"] for each in built["messages"]] == ["user", "assistant", "user"]
    assert built["system"] == [{"type": "text", "text": "rhyme"}, *(own["system"] if blocks is None else blocks)]


@pytest.mark.parametrize("format", list(TURNS))
def test_what_is_asked_is_what_was_said_since_the_last_answer(format: Format) -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image", "source": {}}, {"type": "text", "text": "here"}]
    messages = [
        {"role": "user", "content": "old"},
        {"role": "assistant", "content": "answered"},
        {"role": "user", "content": parts},
        {"role": "user", "content": "and"},
    ]
    assert TURNS[format].asked(msgspec.json.encode(messages)) == ["look\nhere", "and"]


def test_the_text_of_answers() -> None:
    chat = b'{"choices":[{"message":{"content":"one"}},{"message":{"content":"two"}}]}'
    assert TURNS[OPENAI_CHAT].answered(chat) == "one"
    blocks = b'{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"one"}]}'
    assert TURNS[ANTHROPIC_MESSAGES].answered(blocks) == "one"


def test_the_text_of_streams() -> None:
    chat = (
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}\n\n'
        b'data: {"choices":[{"index":1,"delta":{"content":"other"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"content":null,"tool_calls":[]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"content":"b"}}],"usage":null}\n\ndata: [DONE]\n\n'
    )
    assert TURNS[OPENAI_CHAT].delivered(chat) == "ab"
    named = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"input_json_delta"}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    )
    assert TURNS[ANTHROPIC_MESSAGES].delivered(named) == "a"


@pytest.mark.parametrize("format", list(TURNS))
@pytest.mark.parametrize("odd", [b"", b"null", b"[]", b'{"choices":null,"content":7,"delta":null}', b"\xff"])
def test_what_is_not_of_the_format_has_no_text(format: Format, odd: bytes) -> None:
    assert TURNS[format].answered(odd) == TURNS[format].delivered(b"data: " + odd + b"\n\n") == ""
