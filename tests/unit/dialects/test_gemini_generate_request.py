"""Requests to Gemini's generateContent."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.gemini_generate import GEMINI_GENERATE_DIALECT
from gatewayz.dialects.gemini_generate.contents import UNSIGNED
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
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, GEMINI_GENERATE

DIALECT = GEMINI_GENERATE_DIALECT
USER = Message(role="user", parts=(Text(text="x"),))
PLAIN = ModelCall(model="m", messages=(USER,))


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default", model: str = "gemini-2.5-flash") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model=model, losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


def changed(**fields: Any) -> ModelCall:
    return msgspec.structs.replace(PLAIN, **fields)


RICH = ModelCall(
    model="m",
    messages=(
        Message(role="system", parts=(Text(text="S"),)),
        Message(
            role="user",
            parts=(
                Text(text="hi"),
                Image(data="QUJD", media_type="image/png"),
                Image(url="https://e.x/a.webp?s=1"),
                Audio(data="QUJD", format="wav"),
                Document(data="QUJD", media_type="application/pdf"),
                Document(text="body", title="T"),
                Document(file_id="files/abc"),
            ),
        ),
        Message(
            role="assistant",
            parts=(
                Reasoning(text="hm", signature="s1", origin=GEMINI_GENERATE),
                Text(text="wait"),
                ToolUse(id="c1", name="f", arguments='{"a": 1.50}', signature="s2"),
                ToolUse(id="c2", name="g", arguments=""),
            ),
        ),
        Message(
            role="tool",
            parts=(
                ToolResult(tool_use_id="c2", parts=(Text(text='{"ok": true}'),)),
                ToolResult(
                    tool_use_id="c1",
                    parts=(Text(text="boom"), Image(data="QQ==", media_type="image/png")),
                    is_error=True,
                ),
            ),
        ),
    ),
    tools=(
        Tool(name="f", description="d", parameters={"type": "object", "properties": {"a": {"const": 1}}}),
        Tool(name="g"),
    ),
    tool_choice=ToolChoice(mode="named", name="f"),
    max_tokens=5,
    temperature=0.5,
    top_p=0.9,
    top_k=4,
    n=2,
    stop=("a",),
    seed=7,
    frequency_penalty=0.1,
    presence_penalty=0.2,
    logprobs=True,
    top_logprobs=3,
    reasoning=ReasoningConfig(effort="low"),
    stream=True,
)


def test_renders_a_rich_call() -> None:
    body, dropped = sent(RICH)
    assert dropped == ()
    assert body == {
        "systemInstruction": {"parts": [{"text": "S"}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "hi"},
                    {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
                    {"fileData": {"mimeType": "image/webp", "fileUri": "https://e.x/a.webp?s=1"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "QUJD"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}},
                    {"text": "T\n\nbody"},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "files/abc"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": "s1"},
                    {"text": "wait"},
                    {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1.5}}, "thoughtSignature": "s2"},
                    {"functionCall": {"id": "c2", "name": "g", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"error": "boom"}}},
                    {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
                    {"functionResponse": {"id": "c2", "name": "g", "response": {"ok": True}}},
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "f",
                        "description": "d",
                        "parametersJsonSchema": {"type": "object", "properties": {"a": {"enum": [1]}}},
                    },
                    {"name": "g"},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 4,
            "seed": 7,
            "frequencyPenalty": 0.1,
            "presencePenalty": 0.2,
            "candidateCount": 2,
            "stopSequences": ["a"],
            "maxOutputTokens": 16,
            "responseLogprobs": True,
            "logprobs": 3,
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        },
    }


def test_arguments_and_results_go_out_byte_for_byte() -> None:
    body = DIALECT.render_call(RICH, model="gemini-2.5-flash", losses=Losses()).body
    assert b'"args":{"a": 1.50}' in body
    assert b'"response":{"ok": true}' in body


@pytest.mark.parametrize(("asked", "limit"), [(1, 16), (16, 16), (17, 17)])
def test_small_limits_are_raised(asked: int, limit: int) -> None:
    assert sent(changed(max_tokens=asked))[0]["generationConfig"] == {"maxOutputTokens": limit}


@pytest.mark.parametrize(
    ("mode", "config"), [("auto", {"mode": "AUTO"}), ("none", {"mode": "NONE"}), ("required", {"mode": "ANY"})]
)
def test_tool_choice(mode: Any, config: Any) -> None:
    body, _ = sent(changed(tools=(Tool(name="f"),), tool_choice=ToolChoice(mode=mode)))
    assert body["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize(
    ("model", "reasoning", "config"),
    [
        ("gemini-2.5-flash", ReasoningConfig(), {"includeThoughts": True, "thinkingBudget": -1}),
        ("gemini-2.5-flash", ReasoningConfig(effort="high"), {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-flash", ReasoningConfig(budget_tokens=99), {"includeThoughts": True, "thinkingBudget": 99}),
        ("gemini-2.5-flash", ReasoningConfig(enabled=False), {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-pro", ReasoningConfig(effort="none"), {"includeThoughts": False, "thinkingBudget": 128}),
        ("google/gemini-3-pro", ReasoningConfig(effort="high"), {"includeThoughts": True, "thinkingLevel": "high"}),
        ("gemini-3-pro", ReasoningConfig(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "low"}),
        ("gemini-3-flash", ReasoningConfig(effort="none"), {"includeThoughts": False, "thinkingLevel": "minimal"}),
        ("gemini-3.1-pro", ReasoningConfig(budget_tokens=500), {"includeThoughts": True, "thinkingBudget": 500}),
        ("gemini-flash-latest", ReasoningConfig(effort="low"), {"includeThoughts": True, "thinkingBudget": 1024}),
    ],
)
def test_thinking(model: str, reasoning: ReasoningConfig, config: Any) -> None:
    body, dropped = sent(changed(reasoning=reasoning), model=model)
    assert body["generationConfig"]["thinkingConfig"] == config
    assert dropped == ()


def test_models_that_do_not_think_are_not_told_to() -> None:
    assert sent(changed(reasoning=ReasoningConfig(effort="low")), model="gemini-2.0-flash")[1] == ("reasoning",)
    assert sent(changed(reasoning=ReasoningConfig(enabled=False)), model="gemma-3-27b")[1] == ()


def test_gemini_3_gets_a_stand_in_for_missing_signatures() -> None:
    history = Message(
        role="assistant",
        parts=(ToolUse(id="a", name="f", arguments="{}"), ToolUse(id="b", name="f", arguments="{}")),
    )
    call = changed(messages=(USER, history))
    first, second = sent(call, model="gemini-3-pro")[0]["contents"][1]["parts"]
    assert first["thoughtSignature"] == UNSIGNED
    assert "thoughtSignature" not in second
    assert "thoughtSignature" not in sent(call)[0]["contents"][1]["parts"][0]


def test_structured_output_keeps_its_meaning() -> None:
    schema = {
        "$schema": "x",
        "type": "object",
        "definitions": {"n": {"type": "string", "minLength": 2}},
        "properties": {
            "a": {"$ref": "#/definitions/n", "description": "dropped beside a reference"},
            "b": {"oneOf": [{"const": "x"}, {"type": "integer", "nullable": True}]},
            "c": {"allOf": [{"$ref": "#/definitions/n"}]},
            "d": {"allOf": [{"properties": {"x": {}}, "required": ["x"]}, {"required": ["y"]}], "type": "object"},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
    format = ResponseFormat(kind="json_schema", name="n", schema=schema, strict=True)
    body, dropped = sent(changed(response_format=format))
    assert dropped == ("response_format.schema.minLength",)
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "$defs": {"n": {"type": "string"}},
            "properties": {
                "a": {"$ref": "#/$defs/n"},
                "b": {"anyOf": [{"enum": ["x"]}, {"type": ["integer", "null"]}]},
                "c": {"$ref": "#/$defs/n"},
                "d": {"type": "object", "properties": {"x": {}}, "required": ["x", "y"]},
            },
            "required": ["a"],
            "additionalProperties": False,
        },
    }
    assert sent(changed(response_format=ResponseFormat(kind="json_object")))[0]["generationConfig"] == {
        "responseMimeType": "application/json"
    }


@pytest.mark.parametrize(
    ("change", "name", "refused"),
    [
        ({"logit_bias": {"1": 1}}, "logit_bias", False),
        ({"user": "u"}, "user", False),
        ({"metadata": {"a": "b"}}, "metadata", False),
        ({"service_tier": "flex"}, "service_tier", False),
        ({"extra": {"odd": 1}, "format": "openai_chat"}, "odd", False),
        ({"tools": (Tool(name="f"),), "parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"tools": (Tool(name="f", strict=True),)}, "tools.strict", False),
        ({"tools": (Tool(name="f", cache=CacheMark()),)}, "cache_control", False),
        ({"tools": (Tool(name="f", parameters={"pattern": "x"}),)}, "tools.parameters.pattern", False),
        (
            {
                "messages": (
                    USER,
                    Message(role="assistant", parts=(Reasoning(text="t", signature="s", origin=ANTHROPIC_MESSAGES),)),
                )
            },
            "thinking_signature",
            False,
        ),
        ({"messages": (USER, Message(role="assistant", parts=(Reasoning(text="t"),)))}, "reasoning", False),
        ({"opaque_tools": (Opaque(format="other", value={"type": "bash"}),)}, "tools.bash", True),
        (
            {"messages": (USER, Message(role="user", parts=(Opaque(format="o", value={}),)))},
            "messages.content.block",
            True,
        ),
        (
            {"messages": (USER, Message(role="user", parts=(Document(file_id="file-1"),)))},
            "document.file_id",
            True,
        ),
        ({"tools": (Tool(name="f"),), "response_format": ResponseFormat(kind="json_object")}, "response_format", True),
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


def test_a_system_message_alone_is_asked_as_the_user() -> None:
    body, _ = sent(changed(messages=(Message(role="system", parts=(Text(text="S"),)),)))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "S"}]}]}
