from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT as ANTHROPIC
from gatewayz.dialects.anthropic_messages import prompt_texts
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT as OPENAI
from gatewayz.dialects.openai_completions import OPENAI_COMPLETIONS_DIALECT as COMPLETIONS
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import InvalidRequest, UnsupportedFeature
from tests.fakes.patient_settings import PATIENT

USER = {"role": "user", "content": "hi"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
TOOL = {"name": "f", "description": "d", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}


def request(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "max_tokens": 4000, "messages": [USER], **members})


def result(content: Any, **members: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t1", "content": content, **members}


def use(id: str = "t1") -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "f", "input": {"a": [1, "é"]}}


CLAUDE_CODE = request(
    system=[{"type": "text", "text": "sys", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    messages=[
        USER,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln/+="},
                {"type": "redacted_thinking", "data": "ZGF0YQ=="},
                {"type": "text", "text": "calling"},
                use(),
            ],
        },
        {
            "role": "user",
            "content": [
                result([{"type": "text", "text": "r"}, IMAGE], is_error=True),
                {"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}},
            ],
        },
    ],
    tools=[TOOL],
    tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    metadata={"user_id": "u", "other": 1},
    thinking={"type": "enabled", "budget_tokens": 2000},
    output_config={"effort": "high"},
    context_management={"edits": []},
    stream=True,
)


def test_head_of_a_rich_request() -> None:
    head = ANTHROPIC.read_head(CLAUDE_CODE)
    assert head.needs == {"tools", "vision", "reasoning"}
    assert (head.images, head.include_usage, head.stream, head.affinity, head.max_output_tokens) == (
        1, True, True, "u", 4000,
    )  # fmt: skip
    assert "context_management" in head.fields
    assert head.prompt_characters == sum(
        map(len, ["sys", "hi", "hm", "calling", '{"a":[1,"e"]}', "r", "go on"])
    ) + 1 + len(msgspec.json.encode([TOOL]))


def test_its_own_format_gets_everything_back() -> None:
    call = ANTHROPIC.parse_call(CLAUDE_CODE, model="m")
    rendered = ANTHROPIC.render_call(call, model="m", losses=Losses("reject"))
    sent, original = msgspec.json.decode(rendered.body), msgspec.json.decode(CLAUDE_CODE)
    assert sent == original


def test_other_formats_hear_what_they_can_and_the_caller_hears_what_not() -> None:
    call = ANTHROPIC.parse_call(CLAUDE_CODE, model="m")
    rendered = OPENAI.render_call(call, model="m", losses=Losses())
    body = msgspec.json.decode(rendered.body)
    assert body["messages"] == [
        {"role": "system", "content": "sys"},
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": "calling",
            "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":[1,"é"]}'}}],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "r"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Images in the result of tool call t1:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {"role": "user", "content": "go on"},
    ]
    assert (body["user"], body["parallel_tool_calls"], body["reasoning_effort"]) == ("u", False, "high")
    assert set(rendered.dropped) == {
        "context_management", "cache_control", "thinking_signature", "tool_result.is_error", "metadata",
    }  # fmt: skip


def test_signed_thinking_survives_three_turns() -> None:
    thinking = [{"type": "thinking", "thinking": "t", "signature": f"sig{turn}"} for turn in range(3)]
    messages: list[Any] = [USER]
    for turn in range(3):
        messages += [
            {"role": "assistant", "content": [thinking[turn], use(f"t{turn}")]},
            {"role": "user", "content": [{**result("r"), "tool_use_id": f"t{turn}"}]},
        ]
    body = request(messages=messages, thinking={"type": "enabled", "budget_tokens": 2000})
    call = ANTHROPIC.parse_call(body, model="m")
    sent = msgspec.json.decode(ANTHROPIC.render_call(call, model="m", losses=Losses("reject")).body)
    assert [turn["content"][0] for turn in sent["messages"] if turn["role"] == "assistant"] == thinking
    assert OPENAI.render_call(call, model="m", losses=Losses()).dropped == ("thinking_signature",)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "url": "u"}]},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"type": "error", "error_code": "x"}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
    ],
)
def test_blocks_only_anthropic_knows_are_carried_to_it_alone(block: dict[str, Any]) -> None:
    call = ANTHROPIC.parse_call(request(messages=[{"role": "user", "content": [block]}]), model="m")
    sent = msgspec.json.decode(ANTHROPIC.render_call(call, model="m", losses=Losses("reject")).body)
    assert sent["messages"][0]["content"] == [block]
    with pytest.raises(UnsupportedFeature, match=block["type"]):
        OPENAI.render_call(call, model="m", losses=Losses())


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}, "title": "t", "context": "c"},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "text"},
            "citations": {"enabled": True},
        },
        {"type": "text", "text": "a", "citations": [{"type": "char_location"}]},
    ],
)
def test_documents_and_citations_come_back_whole(block: dict[str, Any]) -> None:
    call = ANTHROPIC.parse_call(request(messages=[{"role": "user", "content": [block]}]), model="m")
    sent = msgspec.json.decode(ANTHROPIC.render_call(call, model="m", losses=Losses("reject")).body)
    expected = dict(block)
    if block.get("source", {}).get("type") == "url":
        expected["source"] = block["source"]
    assert sent["messages"][0]["content"] == [expected]


def test_server_tools_need_their_own_provider() -> None:
    tools = [TOOL, {"type": "web_search_20260318", "name": "web_search", "max_uses": 3}]
    call = ANTHROPIC.parse_call(request(tools=tools), model="m")
    assert msgspec.json.decode(ANTHROPIC.render_call(call, model="m", losses=Losses()).body)["tools"] == tools
    with pytest.raises(UnsupportedFeature, match="web_search"):
        OPENAI.render_call(call, model="m", losses=Losses())


def from_openai(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    call = OPENAI.parse_call(msgspec.json.encode({"model": "m", "messages": messages, **members}), model="m")
    decoded: dict[str, Any] = msgspec.json.decode(ANTHROPIC.render_call(call, model="m", losses=Losses()).body)
    return decoded


def openai_call(id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_turns_are_merged_and_tool_results_come_first() -> None:
    body = from_openai(
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "", "tool_calls": [openai_call("x"), openai_call("functions.f:1")]},
        {"role": "tool", "tool_call_id": "x", "content": "1"},
        {"role": "developer", "content": "late"},
        {"role": "user", "content": "  "},
        {"role": "tool", "tool_call_id": "functions.f:1", "content": "2"},
        {"role": "user", "content": "d"},
    )
    assert body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "late"}]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][0]["content"] == [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]
    assert [block["id"] for block in body["messages"][1]["content"]] == ["x", "functions_f_1"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "tool_result", "text"]
    assert body["messages"][2]["content"][1]["tool_use_id"] == "functions_f_1"


def test_only_system_text_becomes_the_users_turn() -> None:
    body = from_openai({"role": "system", "content": "a"})
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": "a"}]


def test_a_prefilled_answer_loses_trailing_space() -> None:
    assert from_openai(USER, {"role": "assistant", "content": "x \n"})["messages"][1]["content"] == "x"


def test_arguments_that_are_no_object_are_kept_under_a_name() -> None:
    body = from_openai(USER, {"role": "assistant", "tool_calls": [openai_call("x", '{"a":')]})
    assert body["messages"][1]["content"][0]["input"] == {"raw_arguments": '{"a":'}


def test_thinking_is_not_asked_for_where_the_provider_would_refuse() -> None:
    body = from_openai(
        USER,
        {"role": "assistant", "tool_calls": [openai_call("x")]},
        {"role": "tool", "tool_call_id": "x", "content": "1"},
        reasoning_effort="high",
    )
    assert "thinking" not in body


def test_counting_sees_all_text() -> None:
    texts = prompt_texts(request(max_tokens=None, system="sys", tools=[TOOL], messages=[
        USER, {"role": "assistant", "content": [use()]},
        {"role": "user", "content": [result("r1"), result([{"type": "text", "text": "r2"}, IMAGE])]},
    ]))  # fmt: skip
    assert texts[:6] == ["sys", "hi", "f", '{"a":[1,"é"]}', "r1", "r2"]
    assert "input_schema" in texts[6]
    with pytest.raises(InvalidRequest):
        prompt_texts(b'{"model":"m","messages":[]}')


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"max_tokens": None}, "max_tokens", "MISSING_REQUIRED_FIELD"),
        ({"max_tokens": 0}, "max_tokens", "PARAMETER_OUT_OF_RANGE"),
        ({"messages": []}, "messages", "EMPTY_MESSAGES_ARRAY"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "INVALID_ROLE"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "MISSING_REQUIRED_FIELD"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text",
         "MISSING_REQUIRED_FIELD"),
        ({"messages": [{"role": "user", "content": [result([{"type": "image"}])]}]},
         "messages[0].content[0].content[0].source", "MISSING_REQUIRED_FIELD"),
        ({"messages": [{"role": "assistant", "content": [{**use(), "input": "x"}]}]},
         "messages[0].content[0].input", "INVALID_PARAMETER_TYPE"),
        ({"temperature": 1.1}, "temperature", "INVALID_TEMPERATURE"),
        ({"top_p": -1}, "top_p", "PARAMETER_OUT_OF_RANGE"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema", "MISSING_REQUIRED_FIELD"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type", "PARAMETER_OUT_OF_RANGE"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "MISSING_REQUIRED_FIELD"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens", "MISSING_REQUIRED_FIELD"),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "thinking.budget_tokens", "PARAMETER_OUT_OF_RANGE"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "thinking.budget_tokens",
         "PARAMETER_OUT_OF_RANGE"),
        ({"stream": 1}, "stream", "INVALID_STREAM_PARAMETER"),
    ],
)  # fmt: skip
def test_refuses_and_names_the_parameter(members: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ANTHROPIC.read_head(request(**members))
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("prompt", "n", "characters"),
    [("hello", 1, 5), (["a", "bc"], 2, 3), ([1, 2, 3], 1, 12), ([[1], [2, 3]], 2, 12)],
)
def test_legacy_prompts(prompt: Any, n: int, characters: int) -> None:
    head = COMPLETIONS.read_head(msgspec.json.encode({"model": "m", "prompt": prompt, "max_tokens": 3}))
    assert (head.n, head.prompt_characters, head.max_output_tokens) == (n, characters, 3)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x", "logprobs": 6}, "logprobs"),
        ({"prompt": "x", "temperature": 3}, "temperature"),
    ],
)
def test_legacy_requests_that_are_wrong(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        COMPLETIONS.read_head(msgspec.json.encode({"model": "m", **members}))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "echo": True}, "echo"),
        ({"prompt": "a", "best_of": 3}, "best_of"),
    ],
)
def test_legacy_requests_no_chat_model_can_answer(members: dict[str, Any], param: str) -> None:
    body = msgspec.json.encode({"model": "m", **members})
    COMPLETIONS.read_head(body)
    with pytest.raises(InvalidRequest) as caught:
        COMPLETIONS.parse_call(body, model="m")
    assert caught.value.param == param


def test_a_legacy_prompt_becomes_a_user_message() -> None:
    call = COMPLETIONS.parse_call(
        msgspec.json.encode({"model": "m", "prompt": ["hello"], "logprobs": 2, "stop": "x", "provider": "p", "new": 1}),
        model="q",
    )
    rendered = OPENAI.render_call(call, model="q", losses=Losses())
    assert msgspec.json.decode(rendered.body) == {
        "model": "q",
        "messages": [{"role": "user", "content": "hello"}],
        "logprobs": True,
        "top_logprobs": 2,
        "stop": ["x"],
    }
    assert rendered.dropped == ("new",)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "source", "tool_calls", "id", "function", "name", "input",
                 "image_url", "url", "data", "tool_use_id", "arguments", "file", "citations"]
            ),
            st.one_of(inner, st.sampled_from(["text", "image", "user", "assistant", "tool_result", "image_url"])),
            max_size=4,
        ),
    ),
    max_leaves=10,
)  # fmt: skip
MEMBERS = st.sampled_from(
    ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata", "stop_sequences", "stream",
     "response_format", "functions", "function_call", "thread", "prompt", "other", "stop", "logit_bias"]
)  # fmt: skip
blocks = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image", "image_url", "document", "tool_result", "file", "odd"])},
        optional={name: json_values for name in ("text", "source", "image_url", "content", "file", "tool_use_id", "x")},
    ),
    max_size=2,
)


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI, COMPLETIONS])
@PATIENT
@given(junk=st.dictionaries(MEMBERS, json_values, max_size=5), content=blocks)
def test_junk_is_refused_and_nothing_else_happens(dialect: Any, junk: dict[str, Any], content: list[Any]) -> None:
    base = {"model": "m", "max_tokens": 5, "prompt": "p", "messages": [USER, {"role": "user", "content": content}]}
    body = msgspec.json.encode({**base, **junk})
    for read in (dialect.read_head, lambda data: dialect.parse_call(data, model="m")):
        try:
            read(body)
        except InvalidRequest as error:
            assert error.status == 400
