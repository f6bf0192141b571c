"""Embeddings: what is accepted, and vectors that arrive in the coding asked for."""

import base64
import struct
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.openai_embeddings import (
    OPENAI_EMBEDDINGS_DIALECT,
    convert_reply,
    encoding_format_of,
    pack_vector,
    unpack_vector,
)
from gatewayz.sdk.chat import Embedding, EmbeddingCall, Embeddings
from gatewayz.sdk.errors import InvalidRequest, UpstreamBroken, UpstreamRateLimited
from gatewayz.sdk.usage import Usage

DIALECT = OPENAI_EMBEDDINGS_DIALECT
FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.mark.parametrize(
    ("given_input", "inputs", "characters"),
    [
        ("hello", ("hello",), 5),
        (["a", "bcd"], ("a", "bcd"), 4),
        ([1, 2, 3], ((1, 2, 3),), 12),
        ([[1, 2], [3]], ((1, 2), (3,)), 12),
    ],
)
def test_accepts_texts_and_token_ids(given_input: Any, inputs: Any, characters: int) -> None:
    body = encode({"model": "m", "input": given_input, "dimensions": 8, "user": "u", "input_type": "query"})
    head = DIALECT.read_head(body)
    assert (head.model, head.prompt_characters, head.affinity, head.stream) == ("m", characters, "u", False)
    call = DIALECT.parse_call(body, model="up")
    assert call == EmbeddingCall(model="up", inputs=inputs, dimensions=8, user="u", extra={"input_type": "query"})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": "", "input": "x"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": ""}, "input[0]"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": ["a", ""]}, "input[1]"),
        ({"model": "m", "input": ["a", 5]}, "input[1]"),
        ({"model": "m", "input": [[1], "a"]}, "input[1]"),
        ({"model": "m", "input": [[]]}, "input[0]"),
        ({"model": "m", "input": [1, "a"]}, "input"),
        ({"model": "m", "input": [1, -1]}, "input"),
        ({"model": "m", "input": ["a"] * 2049}, "input"),
        ({"model": "m", "input": "x", "dimensions": 0}, "dimensions"),
        ({"model": "m", "input": "x", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_names_the_parameter_at_fault(body: Any, param: str) -> None:
    for read in (DIALECT.read_head, lambda b: DIALECT.parse_call(b, model="m")):
        with pytest.raises(InvalidRequest) as caught:
            read(encode(body))
        assert caught.value.param == param


@given(st.binary(max_size=60))
def test_junk_is_only_ever_an_invalid_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.read_head(body)


def test_extensions_stay_here_and_unknown_members_go_on() -> None:
    head = DIALECT.read_head(
        b'{"model":"m","input":"x","provider":"p","input_type":"query","encoding_format":"base64"}'
    )
    assert head.provider == "p"
    assert {name: bytes(value) for name, value in head.fields.items()} == {
        "model": b'"m"',
        "input": b'"x"',
        "input_type": b'"query"',
        "encoding_format": b'"base64"',
    }
    assert encoding_format_of(head.fields) == "base64"
    assert encoding_format_of({}) == "float"


@given(st.lists(FLOAT32, max_size=40))
def test_packing_keeps_every_32_bit_float(vector: list[float]) -> None:
    assert unpack_vector(pack_vector(vector)) == vector
    assert pack_vector(vector) == packed(*vector)


@pytest.mark.parametrize("text", ["AAA", "!!!!", "AAAA", packed(float("nan")), packed(float("inf"))])
def test_refuses_what_is_no_vector(text: str) -> None:
    with pytest.raises(UpstreamBroken):
        unpack_vector(text)


def test_refuses_numbers_beyond_32_bits() -> None:
    with pytest.raises(UpstreamBroken):
        pack_vector([1e300])


REPLY = (
    b'{ "object":"list", "odd": [1,  2], "data":[{"x":1.50,"embedding":%b,"index":0}],'
    b'"usage":{"prompt_tokens":3,"total_tokens":3}}'
)


@pytest.mark.parametrize(
    ("upstream", "wanted"),
    [(b"[0.5, -1]", "base64"), (b'"AAAAPwAAgL8="', "float")],
)
def test_converts_vectors_and_nothing_else(upstream: bytes, wanted: Any) -> None:
    converted = convert_reply(REPLY % upstream, wanted)
    decoded = msgspec.json.decode(converted)
    assert decoded["data"][0]["embedding"] == ("AAAAPwAAgL8=" if wanted == "base64" else [0.5, -1.0])
    assert b'"odd":[1,  2]' in converted
    assert b'"x":1.50' in converted
    assert list(decoded) == ["object", "odd", "data", "usage"]


@pytest.mark.parametrize(("upstream", "wanted"), [(b"[0.5]", "float"), (b'"AAAAPw=="', "base64"), (b"[ 0.5]", "float")])
def test_leaves_the_bytes_alone_when_they_fit(upstream: bytes, wanted: Any) -> None:
    body = REPLY % upstream
    assert convert_reply(body, wanted) is body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", UpstreamBroken),
        (b"[]", UpstreamBroken),
        (b"{}", UpstreamBroken),
        (b'{"data":[{}]}', UpstreamBroken),
        (b'{"data":[{"embedding":{}}]}', UpstreamBroken),
        (b'{"data":[{"embedding":[1e400]}]}', UpstreamBroken),
        (b'{"error":{"message":"slow down","code":"rate_limit_exceeded"}}', UpstreamRateLimited),
    ],
)
def test_answers_that_are_none(body: bytes, kind: type[Exception]) -> None:
    for read in (lambda b: convert_reply(b, "base64"), DIALECT.parse_embeddings):
        with pytest.raises(kind):
            read(body)


def test_upstream_half() -> None:
    call = EmbeddingCall(model="m", inputs=("a",), dimensions=2, user="u", extra={"input_type": "query"})
    assert msgspec.json.decode(DIALECT.render_call(call, model="up")) == {
        "input_type": "query",
        "model": "up",
        "input": ["a"],
        "encoding_format": "base64",
        "dimensions": 2,
        "user": "u",
    }
    body = encode(
        {
            "data": [{"index": 1, "embedding": packed(2.0)}, {"index": 0, "embedding": [1]}],
            "model": "up",
            "usage": {"prompt_tokens": 7, "total_tokens": 7},
        }
    )
    answer = DIALECT.parse_embeddings(body)
    assert [(item.index, item.vector) for item in answer.vectors] == [(0, (1.0,)), (1, (2.0,))]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 7
    assert DIALECT.usage_of(body).input_tokens == 7
    assert DIALECT.usage_of(b'{"data":[],"usage":{"prompt_tokens":-5}}') == Usage(raw={"prompt_tokens": -5})


@pytest.mark.parametrize("wanted", ["float", "base64"])
def test_the_official_client_reads_the_answer(wanted: Any) -> None:
    import httpx2

    answer = Embeddings(model="m", vectors=(Embedding(index=0, vector=(0.5, -1.0)),), usage=Usage(input_tokens=4))
    rendered = DIALECT.render_embeddings(answer, encoding_format=wanted, gateway_usage={"cost_usd": 0.1})
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, content=rendered, headers={"content-type": "application/json"})
    )
    with openai.OpenAI(api_key="k", base_url="http://t/v1", http_client=httpx2.Client(transport=transport)) as client:
        parsed = client.embeddings.create(model="m", input="x", encoding_format=wanted)
    expected = [0.5, -1.0] if wanted == "float" else packed(0.5, -1.0)
    assert parsed.data[0].embedding == expected
    assert parsed.usage.total_tokens == 4
