"""Requests to Cohere's chat API."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.cohere_chat import COHERE_CHAT_DIALECT
from gatewayz.sdk.chat import (
    Audio,
    CacheMark,
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    Reasoning,
    ReasoningConfig,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import UnsupportedFeature
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

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
