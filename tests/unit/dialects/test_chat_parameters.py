"""Each parameter of a call, from each caller format into each provider format: mapped, dropped or rejected."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT as ANTHROPIC
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT as OPENAI
from gatewayz.sdk.chat import (
    CacheMark,
    Message,
    ModelCall,
    Opaque,
    ReasoningConfig,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import UnsupportedFeature

TOOLS = (Tool(name="f", parameters={"type": "object"}),)
BASE = ModelCall(model="m", messages=(Message(role="user", parts=(Text(text="hi"),)),))
SAMPLES: dict[str, Any] = {
    "tools": TOOLS,
    "opaque_tools": (Opaque(format="gemini_generate", value={"type": "google_search"}),),
    "tool_choice": ToolChoice(mode="named", name="f"),
    "parallel_tool_calls": False,
    "response_format": ResponseFormat(kind="json_schema", name="n", schema={"type": "object"}),
    "max_tokens": 77,
    "temperature": 0.25,
    "top_p": 0.5,
    "top_k": 11,
    "n": 3,
    "stop": ("END",),
    "seed": 4242,
    "frequency_penalty": 0.75,
    "presence_penalty": -0.75,
    "logit_bias": {"9": 1.0},
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning": ReasoningConfig(effort="high"),
    "user": "somebody",
    "service_tier": "default",
    "metadata": {"k": "v"},
    "stream": True,
    "extra": {"novel": 1},
}
CARRIERS = {"model", "messages", "format", "include_usage"}
"""Not parameters: where the call goes, what is said, who reads it, what the caller's own stream shows."""

#                       own format  openai chat  anthropic messages
TABLE = {
    "tools": ("mapped", "mapped"),
    "opaque_tools": ("rejected", "rejected"),
    "tool_choice": ("mapped", "mapped"),
    "parallel_tool_calls": ("mapped", "mapped"),
    "response_format": ("mapped", "mapped"),
    "max_tokens": ("mapped", "mapped"),
    "temperature": ("mapped", "mapped"),
    "top_p": ("mapped", "mapped"),
    "top_k": ("dropped", "mapped"),
    "n": ("mapped", "rejected"),
    "stop": ("mapped", "mapped"),
    "seed": ("mapped", "dropped"),
    "frequency_penalty": ("mapped", "dropped"),
    "presence_penalty": ("mapped", "dropped"),
    "logit_bias": ("mapped", "dropped"),
    "logprobs": ("mapped", "rejected"),
    "top_logprobs": ("mapped", "with logprobs"),
    "reasoning": ("mapped", "mapped"),
    "user": ("mapped", "mapped"),
    "service_tier": ("mapped", "mapped"),
    "metadata": ("dropped", "dropped"),
    "stream": ("mapped", "mapped"),
    "extra": ("dropped", "dropped"),
}


def call_with(name: str, format: str) -> ModelCall:
    members: dict[str, Any] = {name: SAMPLES[name], "format": format}
    if name in ("tool_choice", "parallel_tool_calls"):
        members["tools"] = TOOLS
    return msgspec.structs.replace(BASE, **members)


def outcome(dialect: Any, name: str, format: str = "elsewhere") -> str:
    call = call_with(name, format)
    without = msgspec.structs.replace(call, **{name: getattr(BASE, name)})
    try:
        rendered = dialect.render_call(call, model="m", losses=Losses())
    except UnsupportedFeature as error:
        assert error.param
        return "rejected"
    if rendered.dropped:
        return "dropped"
    return "mapped" if rendered.body != dialect.render_call(without, model="m", losses=Losses()).body else "ignored"


def test_the_table_knows_every_parameter() -> None:
    assert set(TABLE) == set(SAMPLES) == set(ModelCall.__struct_fields__) - CARRIERS


@pytest.mark.parametrize("name", TABLE)
def test_parameters_from_another_format(name: str) -> None:
    expected = TABLE[name]
    assert outcome(OPENAI, name) == expected[0]
    if expected[1] != "with logprobs":
        assert outcome(ANTHROPIC, name) == expected[1]


@pytest.mark.parametrize("name", ["top_k", "metadata", "extra"])
def test_a_format_carries_its_own(name: str) -> None:
    assert outcome(OPENAI, name, "openai_chat") == "mapped"
    assert outcome(ANTHROPIC, name, "anthropic_messages") == "mapped"


@pytest.mark.parametrize("name", [name for name, outcomes in TABLE.items() if outcomes[1] in ("dropped", "rejected")])
def test_the_policy_decides(name: str) -> None:
    call = call_with(name, "elsewhere")
    with pytest.raises(UnsupportedFeature) as refused:
        ANTHROPIC.render_call(call, model="m", losses=Losses("reject"))
    dropped = ANTHROPIC.render_call(call, model="m", losses=Losses("drop")).dropped
    assert refused.value.param in dropped


def body_of(dialect: Any, policy: Any = "default", **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    rendered = dialect.render_call(msgspec.structs.replace(BASE, **members), model="m", losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, {"max_tokens": 4096}),
        ({"tools": TOOLS, "tool_choice": ToolChoice(mode="required")}, {"tool_choice": {"type": "any"}}),
        (
            {"tools": TOOLS, "parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        ({"tools": TOOLS, "tool_choice": ToolChoice(mode="none"), "parallel_tool_calls": False},
         {"tool_choice": {"type": "none"}}),
        ({"tool_choice": ToolChoice(mode="auto")}, {"tool_choice": None}),
        (
            {"response_format": ResponseFormat(kind="json_schema", schema={"type": "object"})},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        ),
        (
            {"reasoning": ReasoningConfig(effort="minimal")},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        ({"reasoning": ReasoningConfig(enabled=False, effort="none")}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning": ReasoningConfig(budget_tokens=5000)},
            {"thinking": {"type": "enabled", "budget_tokens": 5000}, "max_tokens": 9096},
        ),
        (
            {"reasoning": ReasoningConfig(budget_tokens=5000), "max_tokens": 3000},
            {"thinking": {"type": "enabled", "budget_tokens": 2999}, "max_tokens": 3000},
        ),
        ({"user": "u", "service_tier": "default"}, {"metadata": {"user_id": "u"}, "service_tier": "standard_only"}),
        ({"temperature": 0.0}, {"temperature": 0.0}),
    ],
)  # fmt: skip
def test_into_anthropic_words(members: dict[str, Any], expected: dict[str, Any]) -> None:
    body, dropped = body_of(ANTHROPIC, **members)
    assert {name: body.get(name) for name in expected} == expected
    assert dropped == ()


@pytest.mark.parametrize(
    ("members", "lost", "expected"),
    [
        ({"temperature": 1.5}, ("temperature",), {"temperature": 1.0}),
        ({"service_tier": "flex"}, ("service_tier",), {"service_tier": None}),
        ({"stop": (" ", "END")}, ("stop",), {"stop_sequences": ["END"]}),
        ({"stop": ("\n",)}, ("stop",), {"stop_sequences": None}),
        (
            {"reasoning": ReasoningConfig(effort="high"), "temperature": 0.5},
            ("temperature",),
            {"temperature": None, "thinking": {"type": "adaptive"}},
        ),
        (
            {
                "reasoning": ReasoningConfig(effort="high"),
                "tools": TOOLS,
                "tool_choice": ToolChoice(mode="required"),
            },
            ("reasoning",),
            {"thinking": None},
        ),
        ({"reasoning": ReasoningConfig(budget_tokens=5000), "max_tokens": 100}, ("reasoning",), {"thinking": None}),
    ],
)
def test_what_anthropic_would_refuse_is_dropped_and_listed(
    members: dict[str, Any], lost: tuple[str, ...], expected: dict[str, Any]
) -> None:
    body, dropped = body_of(ANTHROPIC, **members)
    assert dropped == lost
    assert {name: body.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning": ReasoningConfig(budget_tokens=1024)}, {"reasoning_effort": "low"}),
        ({"reasoning": ReasoningConfig(budget_tokens=30000)}, {"reasoning_effort": "high"}),
        ({"reasoning": ReasoningConfig(effort="max")}, {"reasoning_effort": "high"}),
        ({"reasoning": ReasoningConfig(adaptive=True)}, {"reasoning_effort": None}),
        ({"reasoning": ReasoningConfig(enabled=False)}, {"reasoning_effort": None}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"tool_choice": ToolChoice(mode="auto")}, {"tool_choice": None}),
        (
            {"response_format": ResponseFormat(kind="json_schema", schema={"a": 1}, strict=True)},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "response", "schema": {"a": 1}, "strict": True},
                }
            },
        ),
    ],
)
def test_into_openai_words(members: dict[str, Any], expected: dict[str, Any]) -> None:
    body, dropped = body_of(OPENAI, **members)
    assert {name: body.get(name) for name in expected} == expected
    assert dropped == ()


def test_json_mode_and_too_many_stops_are_semantics() -> None:
    with pytest.raises(UnsupportedFeature, match="response_format"):
        body_of(ANTHROPIC, response_format=ResponseFormat(kind="json_object"))
    with pytest.raises(UnsupportedFeature, match="stop"):
        body_of(OPENAI, stop=("a", "b", "c", "d", "e"))


def test_cache_marks_stay_with_who_understands_them() -> None:
    marked = (Message(role="user", parts=(Text(text="hi", cache=CacheMark(ttl="1h")),)),)
    body, dropped = body_of(ANTHROPIC, messages=marked)
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert dropped == ()
    body, dropped = body_of(OPENAI, messages=marked)
    assert body["messages"] == [{"role": "user", "content": "hi"}]
    assert dropped == ("cache_control",)
