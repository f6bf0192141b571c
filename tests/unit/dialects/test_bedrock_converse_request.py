"""Requests to Bedrock's Converse: golden, and accepted by botocore's own validator."""

from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import msgspec
import pytest

from gatewayz.dialects.bedrock_converse import BEDROCK_CONVERSE_DIALECT
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
from gatewayz.sdk.errors import (
    UnsupportedFeature,
)
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, BEDROCK_CONVERSE, OPENAI_RESPONSES

DIALECT = BEDROCK_CONVERSE_DIALECT
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NEWER = "us.anthropic.claude-opus-4-7-v1:0"
USER = Message(role="user", parts=(Text(text="x"),))
PLAIN = ModelCall(model="m", messages=(USER,))
TOOL = Tool(name="f")
SERVICE = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2"))


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default", model: str = CLAUDE) -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model=model, losses=Losses(policy))
    body = msgspec.json.decode(rendered.body)
    shape = SERVICE.operation_model("Converse").input_shape
    report = botocore.validate.ParamValidator().validate({"modelId": model, **body}, shape)
    assert not report.has_errors(), report.generate_report()
    return body, rendered.dropped


def changed(**fields: Any) -> ModelCall:
    return msgspec.structs.replace(PLAIN, **fields)


def turn(*parts: Any) -> Message:
    return Message(role="assistant", parts=parts)


RICH = ModelCall(
    model="m",
    messages=(
        Message(role="system", parts=(Text(text="S", cache=CacheMark(ttl="1h")),)),
        Message(role="user", parts=(Text(text="hi"), Image(data="QUJD", media_type="image/jpg"))),
        Message(
            role="user",
            parts=(
                Audio(data="QUJD", format="wav"),
                Document(data="QUJD", media_type="application/pdf", title="a/b.pdf"),
                Document(text="body"),
                Image(url="s3://b/a.png"),
                Text(text=" "),
            ),
        ),
        turn(
            Reasoning(text="hm", signature="s", origin=BEDROCK_CONVERSE),
            Reasoning(redacted="QQ==", origin=ANTHROPIC_MESSAGES),
            ToolUse(id="c1", name="f", arguments='{"a": 1.50}'),
            ToolUse(id="call/" + "x" * 70, name="g", arguments=""),
        ),
        Message(
            role="tool",
            parts=(
                ToolResult(tool_use_id="c1", parts=(Text(text="r"), Image(data="QQ==", media_type="image/png"))),
                ToolResult(
                    tool_use_id="call/" + "x" * 70, parts=(Text(text="boom"),), is_error=True, cache=CacheMark()
                ),
            ),
        ),
        Message(role="user", parts=(Text(text="go on"),)),
    ),
    tools=(
        Tool(name="f", description="d", parameters={"type": "object"}, strict=True),
        Tool(name="g", cache=CacheMark()),
    ),
    tool_choice=ToolChoice(mode="auto"),
    response_format=ResponseFormat(kind="json_schema", name="n", description="d", schema={"type": "object"}),
    max_tokens=5000,
    top_p=0.9,
    top_k=4,
    stop=("a",),
    reasoning=ReasoningConfig(budget_tokens=2000),
    metadata={"team": "a b"},
    service_tier="flex",
    stream=True,
)


def test_renders_a_rich_call() -> None:
    body, dropped = sent(RICH)
    assert dropped == ()
    long_id = body["messages"][1]["content"][3]["toolUse"]["toolUseId"]
    assert len(long_id) <= 64
    assert body == {
        "system": [{"text": "S"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "hi"},
                    {"image": {"format": "jpeg", "source": {"bytes": "QUJD"}}},
                    {"audio": {"format": "wav", "source": {"bytes": "QUJD"}}},
                    {"document": {"format": "pdf", "name": "a b pdf 1", "source": {"bytes": "QUJD"}}},
                    {"document": {"format": "txt", "name": "document 2", "source": {"bytes": "Ym9keQ=="}}},
                    {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/a.png"}}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                    {"reasoningContent": {"redactedContent": "QQ=="}},
                    {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1.5}}},
                    {"toolUse": {"toolUseId": long_id, "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "c1",
                            "content": [{"text": "r"}, {"image": {"format": "png", "source": {"bytes": "QQ=="}}}],
                        }
                    },
                    {"toolResult": {"toolUseId": long_id, "content": [{"text": "boom"}], "status": "error"}},
                    {"cachePoint": {"type": "default"}},
                    {"text": "go on"},
                ],
            },
        ],
        "inferenceConfig": {"maxTokens": 5000, "topP": 0.9, "stopSequences": ["a"]},
        "additionalModelRequestFields": {"top_k": 4, "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "d",
                        "inputSchema": {"json": {"type": "object"}},
                        "strict": True,
                    }
                },
                {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
                {"cachePoint": {"type": "default"}},
            ],
            "toolChoice": {"auto": {}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "n", "description": "d"}},
            }
        },
        "requestMetadata": {"team": "a b"},
        "serviceTier": {"type": "flex"},
    }
    assert b'"input":{"a": 1.50}' in DIALECT.render_call(RICH, model=CLAUDE, losses=Losses()).body


def test_a_document_alone_gets_a_line_of_text() -> None:
    body, _ = sent(changed(messages=(Message(role="user", parts=(Document(text="b", title="T"),)),)))
    assert body["messages"][0]["content"][1] == {"text": "Attached: T 1"}


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        (ToolChoice(mode="auto"), {"auto": {}}),
        (ToolChoice(mode="required"), {"any": {}}),
        (ToolChoice(mode="named", name="f"), {"tool": {"name": "f"}}),
    ],
)
def test_tool_choice(choice: ToolChoice | None, config: Any) -> None:
    assert sent(changed(tools=(TOOL,), tool_choice=choice))[0]["toolConfig"].get("toolChoice") == config


HISTORY = (
    USER,
    turn(ToolUse(id="c", name="f", arguments="{}")),
    Message(role="tool", parts=(ToolResult(tool_use_id="c", parts=(Text(text="r"),)),)),
)


def test_tools_that_must_not_be_used_are_not_offered() -> None:
    none = ToolChoice(mode="none")
    assert "toolConfig" not in sent(changed(tools=(TOOL,), tool_choice=none))[0]
    with pytest.raises(UnsupportedFeature):
        sent(changed(messages=HISTORY, tools=(TOOL,), tool_choice=none))


def test_a_history_with_calls_defines_their_tools() -> None:
    tools = sent(changed(messages=HISTORY))[0]["toolConfig"]["tools"]
    assert [tool["toolSpec"]["name"] for tool in tools] == ["f"]


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("model", "change", "fields", "dropped"),
    [
        (CLAUDE, {"reasoning": ReasoningConfig(effort="high")}, budget(24576), ()),
        (CLAUDE, {"reasoning": ReasoningConfig()}, budget(8192), ()),
        (CLAUDE, {"reasoning": ReasoningConfig(budget_tokens=9000), "max_tokens": 3000}, budget(2999), ()),
        (CLAUDE, {"reasoning": ReasoningConfig(effort="low"), "max_tokens": 900}, None, ("reasoning",)),
        (CLAUDE, {"reasoning": ReasoningConfig(enabled=False)}, None, ()),
        (CLAUDE, {"reasoning": ReasoningConfig(), "messages": HISTORY}, None, ("reasoning",)),
        (NEWER, {"reasoning": ReasoningConfig(), "messages": HISTORY}, {"thinking": {"type": "adaptive"}}, ()),
        (
            CLAUDE,
            {"reasoning": ReasoningConfig(), "tools": (TOOL,), "tool_choice": ToolChoice(mode="required")},
            None,
            ("reasoning",),
        ),
        (
            NEWER,
            {"reasoning": ReasoningConfig(effort="minimal")},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            (),
        ),
        (NEWER, {"reasoning": ReasoningConfig(budget_tokens=2000)}, budget(2000), ()),
        ("openai.gpt-oss-120b-1:0", {"reasoning": ReasoningConfig(effort="low")}, {"reasoning_effort": "low"}, ()),
        (
            "amazon.nova-2-lite-v1:0",
            {"reasoning": ReasoningConfig(effort="max")},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            (),
        ),
        ("amazon.nova-pro-v1:0", {"top_k": 3}, {"inferenceConfig": {"topK": 3}}, ()),
        ("meta.llama3-8b-v1:0", {"top_k": 3, "reasoning": ReasoningConfig()}, None, ("top_k", "reasoning")),
    ],
)
def test_families(model: str, change: Any, fields: Any, dropped: tuple[str, ...]) -> None:
    body, lost = sent(changed(**change), model=model)
    assert body.get("additionalModelRequestFields") == fields
    assert lost == dropped


@pytest.mark.parametrize(
    ("change", "temperature", "dropped"),
    [
        ({"temperature": 0.5}, 0.5, ()),
        ({"temperature": 1.5}, 1.0, ("temperature",)),
        ({"temperature": 0.5, "reasoning": ReasoningConfig()}, None, ("temperature",)),
        ({"temperature": 1.0, "reasoning": ReasoningConfig()}, None, ()),
    ],
)
def test_temperature(change: Any, temperature: float | None, dropped: tuple[str, ...]) -> None:
    body, lost = sent(changed(**change))
    assert body.get("inferenceConfig", {}).get("temperature") == temperature
    assert lost == dropped


@pytest.mark.parametrize(
    ("change", "name", "refused"),
    [
        ({"seed": 1}, "seed", False),
        ({"frequency_penalty": 0.5}, "frequency_penalty", False),
        ({"presence_penalty": 0.5}, "presence_penalty", False),
        ({"logit_bias": {"1": 1}}, "logit_bias", False),
        ({"user": "u"}, "user", False),
        ({"metadata": {"a": "ü"}}, "metadata", False),
        ({"metadata": {"a": 5}}, "metadata", False),
        ({"service_tier": "scale"}, "service_tier", False),
        ({"extra": {"odd": 1}, "format": "openai_chat"}, "odd", False),
        ({"tools": (TOOL,), "parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"messages": (USER, turn(Reasoning(text="t")))}, "reasoning", False),
        ({"messages": (USER, turn(Reasoning(redacted="r", origin=OPENAI_RESPONSES)))}, "thinking_signature", False),
        (
            {"messages": (USER, turn(ToolUse(id="c", name="f", arguments="{}", signature="g")))},
            "thinking_signature",
            False,
        ),
        ({"n": 2}, "n", True),
        ({"logprobs": True}, "logprobs", True),
        ({"response_format": ResponseFormat(kind="json_object")}, "response_format", True),
        ({"opaque_tools": (Opaque(format="other", value={"type": "bash"}),)}, "tools.bash", True),
        ({"messages": (USER, Message(role="user", parts=(Image(url="http://i"),)))}, "image.url", True),
        ({"messages": (USER, Message(role="user", parts=(Document(url="http://d"),)))}, "document.url", True),
        ({"messages": (USER, Message(role="user", parts=(Document(file_id="f"),)))}, "document.file_id", True),
        (
            {"messages": (USER, Message(role="user", parts=(Document(data="", media_type="a/b"),)))},
            "document.media_type",
            True,
        ),
        (
            {"messages": (USER, Message(role="user", parts=(Opaque(format="o", value={"type": "z"}),)))},
            "messages.content.z",
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


def test_cache_points_and_signatures_only_where_they_are_known() -> None:
    cached = changed(messages=(Message(role="user", parts=(Text(text="x", cache=CacheMark()),)),))
    assert sent(cached, model="meta.llama3-8b-v1:0")[1] == ("cache_control",)
    signed = changed(messages=(USER, turn(Reasoning(text="t", signature="s", origin=ANTHROPIC_MESSAGES))))
    assert sent(signed)[1] == ()
    assert sent(signed, model="meta.llama3-8b-v1:0")[1] == ("thinking_signature",)
