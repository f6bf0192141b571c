from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.openai_chat.head import read_head
from gatewayz.sdk.errors import InvalidRequest
from tests.fakes.patient_settings import PATIENT

USER = {"role": "user", "content": "hi"}


def head_of(**members: Any) -> Any:
    return read_head(msgspec.json.encode({"model": "m", "messages": [USER], **members}))


def refusal(body: bytes | dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read_head(body if isinstance(body, bytes) else msgspec.json.encode(body))
    return caught.value


def test_reads_what_the_gateway_needs() -> None:
    head = head_of(
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=5,
        max_completion_tokens=7,
        n=2,
        user="u",
        prompt_cache_key="k",
        provider="groq",
        auto_web_search="auto",
        web_search_threshold=0.25,
        session_id=4,
        unknown={"kept": [1.50, "é"]},
    )
    assert (head.model, head.stream, head.include_usage, head.max_output_tokens, head.n) == ("m", True, True, 7, 2)
    assert (head.provider, head.affinity, head.prompt_characters) == ("groq", "k", 2)
    assert head.extensions == {
        "provider": "groq",
        "auto_web_search": "auto",
        "web_search_threshold": 0.25,
        "session_id": 4,
    }
    assert list(head.fields) == [
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "user",
        "prompt_cache_key", "unknown",
    ]  # fmt: skip
    assert bytes(head.fields["unknown"]) == '{"kept":[1.5,"é"]}'.encode()


def test_members_keep_their_bytes() -> None:
    body = b'{ "model" : "m", "messages":[ {"content":"\\u00e9", "role":"user"} ], "temperature": 1.0e0 }'
    fields = read_head(body).fields
    assert bytes(fields["messages"]) == b'[ {"content":"\\u00e9", "role":"user"} ]'
    assert bytes(fields["temperature"]) == b"1.0e0"


@pytest.mark.parametrize(
    ("members", "needs"),
    [
        ({}, set()),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, {"tools"}),
        ({"tools": []}, set()),
        ({"functions": [{"name": "f"}]}, {"tools"}),
        ({"response_format": {"type": "json_object"}}, {"json_mode"}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, {"json_schema"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs"}),
        ({"reasoning_effort": "high"}, {"reasoning"}),
        ({"reasoning_effort": "none"}, set()),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}, {"vision"}),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}, {"documents"}),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            {"audio_input"},
        ),
    ],
)
def test_knows_what_the_call_needs_of_a_model(members: dict[str, Any], needs: set[str]) -> None:
    assert head_of(**members).needs == needs


def test_measures_texts_tool_schemas_and_counts_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5000}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    head = head_of(
        messages=[
            {"role": "system", "content": "12345"},
            {"role": "user", "content": [{"type": "text", "text": "éé"}, image, image]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": ""},
        ],
        tools=tools,
    )
    assert head.images == 2
    assert head.prompt_characters == 5 + 2 + 7 + len(msgspec.json.encode(tools))


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": ""},
        {"role": "assistant", "refusal": "no"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": None, "reasoning_content": "hm"},
        {"role": "function", "name": "f", "content": "4"},
        {"role": "developer", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "u"}}]},
        {"role": "user", "content": "x", "name": None, "tool_calls": None},
    ],
)
def test_accepts_what_clients_really_send(message: dict[str, Any]) -> None:
    assert head_of(messages=[USER, message]).model == "m"


RANGE = "PARAMETER_OUT_OF_RANGE"
TYPE = "INVALID_PARAMETER_TYPE"


@pytest.mark.parametrize(
    ("members", "param", "code", "context"),
    [
        ({"messages": []}, "messages", "EMPTY_MESSAGES_ARRAY", {"min_value": 1}),
        ({"messages": "x"}, "messages", TYPE, {"expected_type": "array"}),
        ({"messages": [5]}, "messages[0]", TYPE, {"expected_type": "object"}),
        ({"messages": [USER, {"content": "x"}]}, "messages[1].role", "MISSING_REQUIRED_FIELD", {}),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role", "INVALID_ROLE", None),
        ({"messages": [{"role": 5, "content": "x"}]}, "messages[0].role", "INVALID_ROLE", None),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT", {}),
        ({"messages": [{"role": "system", "content": ""}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT", {}),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT", {}),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT", None),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content", "INVALID_MESSAGE_FORMAT", {}),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "MISSING_REQUIRED_FIELD", {}),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text", "MISSING_REQUIRED_FIELD", {},
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url", "MISSING_REQUIRED_FIELD", {},
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": 5}]}]},
            "messages[0].content[0].image_url", TYPE, {"expected_type": "object"},
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]}]},
            "messages[0].tool_calls[0].function", "MISSING_REQUIRED_FIELD", {},
        ),
        ({"temperature": 2.1}, "temperature", "INVALID_TEMPERATURE", {"min_value": 0, "max_value": 2}),
        ({"temperature": -1}, "temperature", "INVALID_TEMPERATURE", {"min_value": 0, "max_value": 2}),
        ({"temperature": "hot"}, "temperature", TYPE, {"expected_type": "float"}),
        ({"temperature": True}, "temperature", TYPE, {"expected_type": "float"}),
        ({"top_p": 1.01}, "top_p", RANGE, {"min_value": 0, "max_value": 1}),
        ({"n": 0}, "n", RANGE, {"min_value": 1, "max_value": 128}),
        ({"n": 1.5}, "n", TYPE, {"expected_type": "int"}),
        ({"max_tokens": 0}, "max_tokens", RANGE, {"min_value": 1}),
        ({"max_tokens": 10**30}, "max_tokens", RANGE, {"max_value": 2**31 - 1}),
        ({"max_completion_tokens": -5}, "max_completion_tokens", RANGE, {"min_value": 1}),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", RANGE, {"max_value": 4}),
        ({"stop": [1]}, "stop[0]", TYPE, {"expected_type": "str"}),
        ({"frequency_penalty": 3}, "frequency_penalty", RANGE, {"min_value": -2, "max_value": 2}),
        ({"presence_penalty": -3}, "presence_penalty", RANGE, {"min_value": -2, "max_value": 2}),
        ({"top_logprobs": 21}, "top_logprobs", RANGE, {"min_value": 0, "max_value": 20}),
        ({"stream": "yes"}, "stream", "INVALID_STREAM_PARAMETER", {"expected_type": "bool"}),
        ({"tools": {}}, "tools", TYPE, {"expected_type": "array"}),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "MISSING_REQUIRED_FIELD", {}),
        ({"tools": [{"function": {"name": ""}}]}, "tools[0].function.name", RANGE, {"min_value": 1}),
        (
            {"tools": [{"function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters", TYPE, {"expected_type": "object"},
        ),
        ({"tool_choice": "always"}, "tool_choice", RANGE, {"allowed_values": ["none", "auto", "required"]}),
        ({"response_format": {"type": "xml"}}, "response_format.type", RANGE, None),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "MISSING_REQUIRED_FIELD", {}),
        ({"logit_bias": {"1": "x"}}, "logit_bias", TYPE, {"expected_type": "float"}),
        ({"model": ""}, "model", "INVALID_MODEL_FORMAT", {}),
        ({"model": "a\nb"}, "model", "INVALID_MODEL_FORMAT", {}),
        ({"model": "x" * 300}, "model", "INVALID_MODEL_FORMAT", {}),
        ({"model": None}, "model", TYPE, {"expected_type": "str"}),
        ({"provider": {"order": []}}, "provider", TYPE, {"expected_type": "str"}),
        ({"auto_web_search": "always"}, "auto_web_search", RANGE, None),
        ({"web_search_threshold": 2}, "web_search_threshold", RANGE, {"min_value": 0, "max_value": 1}),
    ],
)  # fmt: skip
def test_refuses_and_names_the_parameter(
    members: dict[str, Any], param: str, code: str, context: dict[str, Any] | None
) -> None:
    error = refusal({"model": "m", "messages": [USER], **members})
    assert (error.param, error.code) == (param, code)
    assert error.context["parameter_name"] == param
    if context is not None:
        assert error.context == {"parameter_name": param, **context}


def test_names_what_is_missing() -> None:
    assert refusal({"messages": [USER]}).param == "model"
    error = refusal({"model": "m"})
    assert (error.param, error.code) == ("messages", "MISSING_REQUIRED_FIELD")


def test_lists_the_allowed_roles() -> None:
    error = refusal({"model": "m", "messages": [{"role": "x" * 5000, "content": "x"}]})
    assert error.context["allowed_values"] == ["system", "developer", "user", "assistant", "tool", "function"]
    assert len(error.message) < 300


VALID = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"x":%s}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"[]", "INVALID_REQUEST_BODY"),
        (b"null", "INVALID_REQUEST_BODY"),
        (b'"x"', "INVALID_REQUEST_BODY"),
        (VALID % b"NaN", "INVALID_JSON"),
        (VALID % b"-Infinity", "INVALID_JSON"),
        (VALID % b"1e400", None),
        (VALID % b'"\\ud800 lone surrogate"', "INVALID_JSON"),
        (VALID % b'"\xff"', "INVALID_JSON"),
        (VALID % b'"\xed\xa0\x80"', "INVALID_JSON"),
        (VALID % (b"[" * 100_000 + b"]" * 100_000), "INVALID_JSON"),
        ((VALID % b"1").decode().encode("utf-16"), "INVALID_JSON"),
        (VALID % b"1" + b"x", "INVALID_JSON"),
        (VALID % b'1,"model":"n"', "INVALID_JSON"),
        (b"\x1f\x8b\x08\x00gzip", "INVALID_JSON"),
        (b'{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":1e400}', "INVALID_TEMPERATURE"),
    ],
)
def test_json_is_strict(body: bytes, code: str | None) -> None:
    error = refusal(body)
    assert code is None or error.code == code


def test_broken_json_says_where() -> None:
    error = refusal(b'{"model": nope}')
    assert "byte 14" in error.message
    assert error.context == {"additional_info": {"byte": 14}}


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "image_url", "tool_calls", "id", "function", "name", "arguments"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["model", "messages", "tools", "tool_choice", "response_format", "stop", "n", "stream", "stream_options",
     "temperature", "logit_bias", "provider", "session_id", "cache", "function_call", "functions", "other"]
)  # fmt: skip


@PATIENT
@given(st.dictionaries(MEMBERS, json_values, max_size=6), st.booleans())
def test_junk_is_refused_and_nothing_else_happens(junk: dict[str, Any], complete: bool) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [USER], **junk} if complete else junk)
    try:
        read_head(body)
    except InvalidRequest as error:
        assert error.status == 400


@PATIENT
@given(st.binary(max_size=200))
def test_bytes_that_are_not_json_are_refused(body: bytes) -> None:
    try:
        read_head(body)
    except InvalidRequest as error:
        assert error.code
