"""Requests to an upstream that speaks the Responses API."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.sdk.chat import (
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    ReasoningConfig,
    Refusal,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import (
    UnsupportedFeature,
)

DIALECT = OPENAI_RESPONSES_DIALECT


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model="up", losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


RICH = ModelCall(
    model="m",
    messages=(
        Message(role="system", parts=(Text(text="S"),)),
        Message(
            role="user",
            parts=(
                Text(text="hi"),
                Image(data="QUJD", media_type="image/png"),
                Document(text="body", title="T"),
                Document(file_id="f1"),
            ),
        ),
        Message(role="assistant", parts=(Text(text="a"), Refusal(text="no"), ToolUse(id="c", name="f", arguments=""))),
        Message(
            role="tool",
            parts=(
                ToolResult(
                    tool_use_id="c",
                    parts=(Text(text="r"), Image(url="http://i")),
                ),
            ),
        ),
    ),
    tools=(Tool(name="f", parameters={"type": "object"}),),
    tool_choice=ToolChoice(mode="named", name="f"),
    parallel_tool_calls=False,
    response_format=ResponseFormat(kind="json_schema", name="n", schema={"type": "object"}, strict=True),
    max_tokens=9,
    temperature=0.1,
    top_p=0.9,
    reasoning=ReasoningConfig(budget_tokens=8000),
    top_logprobs=2,
    logprobs=True,
    user="u",
    metadata={"k": 1},
    stream=True,
)


def test_renders_a_rich_call() -> None:
    body, dropped = sent(RICH)
    assert dropped == ()
    assert body == {
        "model": "up",
        "instructions": "S",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "hi"},
                    {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"},
                    {"type": "input_text", "text": "T\n\nbody"},
                    {"type": "input_file", "file_id": "f1"},
                ],
            },
            {
                "id": "msg_1",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "no"},
                ],
            },
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [
                    {"type": "input_text", "text": "r"},
                    {"type": "input_image", "image_url": "http://i", "detail": "auto"},
                ],
            },
        ],
        "store": False,
        "stream": True,
        "max_output_tokens": 9,
        "temperature": 0.1,
        "top_p": 0.9,
        "user": "u",
        "metadata": {"k": "1"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
        "reasoning": {"effort": "medium"},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 2,
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
    }


PLAIN = ModelCall(model="m", messages=(Message(role="user", parts=(Text(text="x"),)),))


@pytest.mark.parametrize(
    ("change", "name", "refused"),
    [
        ({"top_k": 3}, "top_k", False),
        ({"seed": 3}, "seed", False),
        ({"frequency_penalty": 0.5}, "frequency_penalty", False),
        ({"logit_bias": {"1": 2}}, "logit_bias", False),
        ({"extra": {"odd": 1}, "format": "other"}, "odd", False),
        ({"stop": ("x",)}, "stop", True),
        ({"n": 2}, "n", True),
        ({"opaque_tools": (Opaque(format="other", value={"type": "bash"}),)}, "tools.bash", True),
        (
            {"messages": (Message(role="user", parts=(Opaque(format="other", value={}),)),)},
            "messages.content.opaque",
            True,
        ),
    ],
)
def test_what_the_format_cannot_carry(change: Any, name: str, refused: bool) -> None:
    call = msgspec.structs.replace(PLAIN, **change)
    assert sent(call, "drop")[1] == (name,)
    for policy in ("default", "reject"):
        if refused or policy == "reject":
            with pytest.raises(UnsupportedFeature) as caught:
                sent(call, policy)
            assert caught.value.param == name
        else:
            assert sent(call, policy)[1] == (name,)
