"""Requests of the Responses API: what is read, and what is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.dialects.openai_responses.freeform import FREEFORM_PARAMETERS
from gatewayz.sdk.chat import (
    Audio,
    Choice,
    Completion,
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
    InvalidRequest,
)
from gatewayz.sdk.wire import OPENAI_RESPONSES

DIALECT = OPENAI_RESPONSES_DIALECT


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def parse(body: Any) -> ModelCall:
    return DIALECT.parse_call(encode(body), model="up")


def sent(call: ModelCall, policy: Any = "default") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model="up", losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


CODEX = {
    "model": "gpt-x",
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Rules"}]},
        {"role": "user", "content": "Look at this"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": '{"a":1}', "id": "fc_1"},
        {"type": "function_call", "call_id": "c2", "name": "shell", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done"}]},
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
                {"type": "input_image", "image_url": "https://e.x/a.png"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            ],
        },
    ],
    "tools": [
        {"type": "function", "name": "shell", "description": "d", "strict": True, "parameters": {"type": "object"}}
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "high", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"x": "y"},
    "text": {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
    },
    "max_output_tokens": 50,
    "temperature": 0.5,
}


def test_head_of_a_rich_request() -> None:
    head = DIALECT.read_head(encode({**CODEX, "provider": "p", "auto_web_search": True}))
    assert head.model == "gpt-x"
    assert head.stream
    assert head.include_usage
    assert head.provider == "p"
    assert head.affinity == "k"
    assert head.max_output_tokens == 50
    assert head.images == 2
    assert head.needs == {"tools", "vision", "documents", "audio_input", "json_schema"}
    texts = ["Be brief.", "Rules", "Look at this", '{"a":1}', "{}", "one", "two", "Done"]
    assert head.prompt_characters == sum(map(len, texts))
    assert set(head.fields) == set(CODEX)
    assert bytes(head.fields["client_metadata"]) == b'{"x":"y"}'


def test_head_puts_compatible_names_under_the_api_own() -> None:
    schema = {"type": "object"}
    head = DIALECT.read_head(
        encode(
            {
                "model": "m",
                "input": "hi",
                "max_tokens": 9,
                "text": {"verbosity": "low"},
                "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
            }
        )
    )
    fields = {name: msgspec.json.decode(value) for name, value in head.fields.items()}
    assert fields["max_output_tokens"] == head.max_output_tokens == 9
    assert fields["text"] == {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": schema}}
    assert "max_tokens" not in fields
    assert "response_format" not in fields


def test_parses_a_rich_request() -> None:
    call = parse(CODEX)
    assert call.messages == (
        Message(role="system", parts=(Text(text="Be brief."),)),
        Message(role="developer", parts=(Text(text="Rules"),)),
        Message(role="user", parts=(Text(text="Look at this"),)),
        Message(
            role="assistant",
            parts=(
                Reasoning(id="rs_1", redacted="gAAA", origin=OPENAI_RESPONSES),
                ToolUse(id="c1", name="shell", arguments='{"a":1}'),
                ToolUse(id="c2", name="shell", arguments="{}"),
            ),
        ),
        Message(
            role="tool",
            parts=(
                ToolResult(tool_use_id="c1", parts=(Text(text="one"),)),
                ToolResult(tool_use_id="c2", parts=(Text(text="two"),)),
            ),
        ),
        Message(role="assistant", parts=(Text(text="Done"),)),
        Message(
            role="user",
            parts=(
                Image(data="QUJD", media_type="image/png", detail="low"),
                Image(url="https://e.x/a.png"),
                Document(data="QUJD", media_type="application/pdf", title="a.pdf"),
                Audio(data="QUJD", format="wav"),
            ),
        ),
    )
    assert call.tools == (Tool(name="shell", description="d", strict=True, parameters={"type": "object"}),)
    assert call.tool_choice == ToolChoice(mode="auto")
    assert call.parallel_tool_calls is True
    assert call.reasoning == ReasoningConfig(effort="high", summary="auto")
    assert call.response_format == ResponseFormat(kind="json_schema", name="n", schema={"type": "object"}, strict=True)
    assert (call.model, call.max_tokens, call.temperature, call.stream) == ("up", 50, 0.5, True)
    assert call.extra == {"prompt_cache_key": "k", "client_metadata": {"x": "y"}, "verbosity": "low"}


def test_a_plain_string_is_one_user_message() -> None:
    assert parse({"model": "m", "input": "hi"}).messages == (Message(role="user", parts=(Text(text="hi"),)),)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "INVALID_PARAMETER_TYPE"),
        ({"model": ""}, "model", "PARAMETER_OUT_OF_RANGE"),
        ({"input": None}, "input", "MISSING_REQUIRED_FIELD"),
        ({"input": []}, "input", "MISSING_REQUIRED_FIELD"),
        ({"input": 5}, "input", "INVALID_PARAMETER_TYPE"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "input[0].role", "INVALID_ROLE"),
        ({"input": [{"content": "x"}]}, "input[0].role", "MISSING_REQUIRED_FIELD"),
        ({"input": [{"role": "user"}]}, "input[0].content", "MISSING_REQUIRED_FIELD"),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "n"}]},
            "input[0].arguments",
            "MISSING_REQUIRED_FIELD",
        ),
        ({"input": [{"type": "function_call_output", "output": "n"}]}, "input[0].call_id", "MISSING_REQUIRED_FIELD"),
        ({"temperature": 2.5}, "temperature", "INVALID_TEMPERATURE"),
        ({"top_p": -1}, "top_p", "PARAMETER_OUT_OF_RANGE"),
        ({"top_logprobs": 21}, "top_logprobs", "PARAMETER_OUT_OF_RANGE"),
        ({"max_output_tokens": 0}, "max_output_tokens", "PARAMETER_OUT_OF_RANGE"),
        ({"stream": "yes"}, "stream", "INVALID_STREAM_PARAMETER"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "PARAMETER_OUT_OF_RANGE"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema", "MISSING_REQUIRED_FIELD"),
    ],
)
def test_names_the_parameter_at_fault(change: Any, param: str, code: str) -> None:
    body = encode({"model": "m", "input": "hi", **change})
    for read in (DIALECT.read_head, lambda b: DIALECT.parse_call(b, model="m")):
        with pytest.raises(InvalidRequest) as caught:
            read(body)
        assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "tool_choice"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0].file_data"),
    ],
)
def test_translation_refuses_what_it_cannot_carry(change: Any, param: str) -> None:
    body = encode({"model": "m", "input": "hi", **change})
    assert DIALECT.read_head(body).model == "m"
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.parse_call(body, model="m")
    assert caught.value.param == param


@given(st.binary(max_size=80))
def test_junk_is_only_ever_an_invalid_request(body: bytes) -> None:
    for read in (DIALECT.read_head, lambda b: DIALECT.parse_call(b, model="m")):
        with pytest.raises(InvalidRequest):
            read(body)


@pytest.mark.parametrize("odd", [b"1e400", b"[" * 100_000 + b"]" * 100_000, b'"\xff"', b'"\\ud800"'])
@pytest.mark.parametrize(
    "frame", [b'{"model":"m","input":"x","zz":%b}', b'{"model":"m","input":[{"role":"user","content":"x","zz":%b}]}']
)
def test_json_beyond_the_standard_is_refused(odd: bytes, frame: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.parse_call(frame % odd, model="m")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "role", "content", "name", "id", "call_id", "output"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["input", "tools", "tool_choice", "text", "reasoning", "instructions", "metadata", "include", "zz"]
        ),
        JSON,
        max_size=4,
    )
)
def test_hostile_bodies_are_answered_or_refused(members: Any) -> None:
    body = encode({"model": "m", "input": "x", **members})
    for read in (DIALECT.read_head, lambda b: DIALECT.parse_call(b, model="m")):
        try:
            read(body)
        except InvalidRequest as err:
            assert err.status == 400


def test_custom_tools_become_functions_and_come_back() -> None:
    call = parse(
        {
            "model": "m",
            "input": [
                {"role": "user", "content": "go"},
                {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": 'a "patch"'},
                {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
            ],
            "tools": [
                {
                    "type": "custom",
                    "name": "apply_patch",
                    "description": "Edit",
                    "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
                }
            ],
        }
    )
    assert call.tools[0].parameters == FREEFORM_PARAMETERS
    assert "start: x" in (call.tools[0].description or "")
    use = call.messages[1].parts[0]
    assert isinstance(use, ToolUse)
    assert msgspec.json.decode(use.arguments) == {"input": 'a "patch"'}
    answer = Completion(id="x", model="m", created=1, choices=(Choice(parts=(use,), finish_reason="tool_calls"),))
    item = msgspec.json.decode(DIALECT.render_completion(answer, call=call, gateway_usage={}))["output"][0]
    assert (item["type"], item["input"], item["call_id"]) == ("custom_tool_call", 'a "patch"', "c1")


def test_hosted_tools_are_carried_to_their_own_format_only() -> None:
    call = parse({"model": "m", "input": "x", "tools": [{"type": "web_search", "size": 1}]})
    assert call.opaque_tools == (Opaque(format=OPENAI_RESPONSES, value={"type": "web_search", "size": 1}),)
    assert sent(call)[0]["tools"] == [{"type": "web_search", "size": 1}]
