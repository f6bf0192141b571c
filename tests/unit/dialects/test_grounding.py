from typing import Any

import msgspec
import pytest

from gatewayz.dialects.formats import READERS
from gatewayz.dialects.grounding import GROUNDING
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, Format

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def said(format: Format, **body: Any) -> str:
    return GROUNDING[format].last_said(msgspec.json.encode({"model": "m", **body}))


def grounded(format: Format, **body: Any) -> dict[str, Any]:
    sent = {"model": "m", "max_tokens": 5, "made_up": {"kept": [1.0]}, **body}
    built = GROUNDING[format].with_context(msgspec.json.encode(sent), "found")
    READERS[format].read_head(built)
    shown: dict[str, Any] = msgspec.json.decode(built)
    changed = {"messages", "system", "instructions"}
    assert {n: v for n, v in shown.items() if n not in changed} == {n: v for n, v in sent.items() if n not in changed}
    return shown


@pytest.mark.parametrize("format", [OPENAI_CHAT, ANTHROPIC_MESSAGES])
def test_the_last_user_message_with_text(format: Format) -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "look"}, PICTURE, {"type": "text", "text": "here"}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    messages = [{"role": "user", "content": "old"}, asked, {"role": "assistant", "content": "a"}, result]
    assert said(format, messages=messages) == "look\nhere"
    assert said(format, messages=[{"role": "user", "content": "  "}]) == ""


def test_the_last_user_message_of_a_response() -> None:
    assert said(OPENAI_RESPONSES, input="plain") == "plain"
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "asked"}]},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ]
    assert said(OPENAI_RESPONSES, input=items) == "asked"
    assert said(OPENAI_RESPONSES, previous_response_id="r") == ""


def test_context_comes_first_in_a_chat() -> None:
    own = [{"role": "system", "content": "s"}, {"role": "user", "content": "q", "name": "kept"}]
    assert grounded(OPENAI_CHAT, messages=own)["messages"] == [{"role": "system", "content": "found"}, *own]


@pytest.mark.parametrize(
    ("own", "rest"),
    [
        ({}, []),
        ({"system": ""}, []),
        ({"system": "be brief"}, [{"type": "text", "text": "be brief"}]),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}, None),
    ],
)
def test_context_comes_first_in_messages(own: dict[str, Any], rest: list[Any] | None) -> None:
    built = grounded(ANTHROPIC_MESSAGES, messages=[{"role": "user", "content": "q"}], **own)
    assert built["system"] == [{"type": "text", "text": "found"}, *(own["system"] if rest is None else rest)]


def test_context_comes_first_in_a_response() -> None:
    assert grounded(OPENAI_RESPONSES, input="q")["instructions"] == "found"
    assert grounded(OPENAI_RESPONSES, input="q", instructions="brief")["instructions"] == "found\n\nbrief"
    items = [{"role": "system", "content": "brief"}]
    built = grounded(OPENAI_RESPONSES, input="q", instructions=items)
    assert built["instructions"] == [{"role": "developer", "content": "found"}, *items]
