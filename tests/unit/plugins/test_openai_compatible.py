from typing import Any

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import (
    ConfigurationError,
    ContentFiltered,
    UnsupportedFeature,
    UpstreamBroken,
    UpstreamModelMissing,
    UpstreamOverloaded,
)
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.testing import (
    ANTHROPIC_SCRIPT,
    OPENAI_CHAT_SCRIPT,
    OPENAI_RESPONSES_SCRIPT,
    Answer,
    FakeHttpClient,
    decode_settings,
    plugin_context,
)
from gatewayz.sdk.wire import OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, CallContext, Timeouts, WireCall
from gatewayz_plugins.providers.openai_compatible.provider import OpenAICompatibleProvider
from gatewayz_plugins.providers.openai_compatible.settings import OpenAICompatibleSettings
from tests.fakes.provider_contract import EngineContract

CONTEXT = CallContext(request_id="r")
SAMPLE: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "api_key": "key-one-1"}


class _Compatible(EngineContract):
    module = "gatewayz_plugins.providers.openai_compatible"
    settings = OpenAICompatibleSettings

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return OpenAICompatibleProvider(settings, context)


class TestChat(_Compatible):
    sample = {"base_url": "{base_url}", "api_key": "{secret}"}
    script = OPENAI_CHAT_SCRIPT
    expected_body = {
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hé"}],
        "max_tokens": 64,
        "temperature": 0.5,
        "stop": ["END"],
    }


class TestResponses(_Compatible):
    sample = {
        "base_url": "{base_url}",
        "api_key": "{secret}",
        "formats": ["openai_responses"],
        "unsupported": "drop",
    }
    script = OPENAI_RESPONSES_SCRIPT


class TestMessages(_Compatible):
    sample = {
        "base_url": "{base_url}",
        "api_key": "{secret}",
        "formats": ["anthropic_messages"],
        "auth": "header",
    }
    script = ANTHROPIC_SCRIPT


def provider(http: FakeHttpClient, **more: Any) -> OpenAICompatibleProvider:
    settings = decode_settings(OpenAICompatibleSettings, {**SAMPLE, **more})
    return OpenAICompatibleProvider(settings, plugin_context(http))


def wire(format: Any = OPENAI_CHAT, *, model: str = "m", stream: bool = False, **body: Any) -> WireCall:
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    return WireCall(format=format, model=model, fields=fields, stream=stream)


async def send(call: WireCall, context: CallContext = CONTEXT, **settings: Any) -> tuple[Any, FakeHttpClient]:
    http = FakeHttpClient(Answer(pieces=(b"{}",)))
    reply = await provider(http, **settings).exchange(call, context)
    reply.close()
    return msgspec.json.decode(http.requests[0].body), http


async def test_each_format_has_its_path() -> None:
    formats = ["openai_chat", "openai_completions", "openai_embeddings"]
    for format, path in ((OPENAI_CHAT, b"/v1/chat/x?v=1"), (OPENAI_COMPLETIONS, b"/v1/completions?v=1")):
        _, http = await send(wire(format), formats=formats, paths={"openai_chat": "/chat/x"}, query={"v": "1"})
        assert http.requests[0].target == path
    assert OPENAI_EMBEDDINGS in provider(FakeHttpClient(Answer()), formats=formats).capabilities.formats


async def test_credentials_by_label() -> None:
    more = {"api_key": None, "api_keys": {"a": "key-a", "b": "key-b", "off": ""}}
    assert provider(FakeHttpClient(Answer()), **more).capabilities.credentials == ("a", "b")
    for label, key in (("a", b"key-a"), ("b", b"key-b"), ("gone", b"key-a")):
        _, http = await send(wire(), CallContext(request_id="r", credential=label), **more)
        assert dict(http.requests[0].headers)[b"authorization"] == b"Bearer " + key


async def test_ways_to_prove_oneself() -> None:
    _, http = await send(wire(), auth="header", auth_header="X-Key")
    assert dict(http.requests[0].headers)[b"x-key"] == b"key-one-1"
    _, http = await send(wire(), auth="none")
    assert b"key-one-1" not in b"".join(value for _, value in http.requests[0].headers)


async def test_usage_is_asked_for_where_the_format_can() -> None:
    sent, _ = await send(wire(stream=True))
    assert sent == {"model": "m", "stream_options": {"include_usage": True}}
    sent, _ = await send(wire(OPENAI_EMBEDDINGS, input="x"), formats=["openai_embeddings"])
    assert sent == {"model": "m", "input": "x"}


async def test_quirks_by_model_and_format() -> None:
    more: dict[str, Any] = {
        "formats": ["openai_chat", "openai_completions"],
        "quirks": {"drop": ["a"]},
        "model_quirks": {"o[0-9]*": {"rename": {"max_tokens": "max_completion_tokens"}}},
        "format_quirks": {"openai_completions": {"drop": ["b"]}},
    }
    assert (await send(wire(a=1, b=2), **more))[0] == {"model": "m", "b": 2}
    assert (await send(wire(model="o3", a=1, max_tokens=2), **more))[0] == {
        "model": "o3",
        "a": 1,
        "max_completion_tokens": 2,
    }
    assert (await send(wire(OPENAI_COMPLETIONS, a=1, b=2), **more))[0] == {"model": "m", "a": 1}


async def test_own_limits_are_laid_over_the_calls() -> None:
    context = CallContext(request_id="r", timeouts=Timeouts(connect_s=1, first_byte_s=2, idle_s=3, total_s=4))
    _, http = await send(wire(), context, timeouts={"first_byte_s": 120})
    assert http.timeouts == [Timeouts(connect_s=1, first_byte_s=120, idle_s=3, total_s=4)]


async def test_own_error_table() -> None:
    errors = [
        {"status": 403, "contains": "moderation", "error": "content_filtered"},
        {"code": "1113", "error": "overloaded"},
    ]
    for body, expected in ((b"needs MODERATION", ContentFiltered), (b'{"error":{"code":1113}}', UpstreamOverloaded)):
        http = FakeHttpClient(Answer(pieces=(body,), status=403))
        with pytest.raises(expected):
            await provider(http, errors=errors).exchange(wire(), CONTEXT)


async def test_a_provider_without_chat() -> None:
    from gatewayz.sdk.chat import Message, ModelCall, Text

    lone = provider(FakeHttpClient(Answer()), formats=[], listing=None)
    assert (lone.capabilities.chat, lone.capabilities.formats) == (False, frozenset())
    call = ModelCall(model="m", messages=(Message(role="user", parts=(Text(text="x"),)),))
    with pytest.raises(UnsupportedFeature):
        await lone.complete(call, CONTEXT)
    assert await lone.list_models() == ()


LISTING = {
    "data": [
        {
            "id": "a/b",
            "name": "B",
            "created": 7,
            "context_length": 4096,
            "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
            "supported_parameters": ["tools", "logprobs", "response_format", 3],
            "architecture": {"input_modalities": ["text", "image"]},
        },
        {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}, "context_length": "long"},
        {"id": ""},
        {"name": "no id"},
    ]
}


async def test_the_list_with_prices() -> None:
    http = FakeHttpClient(Answer(pieces=(msgspec.json.encode(LISTING),)))
    prices = {"input": "pricing.prompt", "output": "pricing.completion", "per": "token"}
    first, second = await provider(http, listing={"prices": prices}).list_models()
    assert (http.requests[0].method, http.requests[0].target) == (b"GET", b"/v1/models")
    assert first.price is not None
    assert (first.price.input, first.price.output) == (2_500_000_000, 10_000_000_000)
    assert (first.price.source, first.price.date) == ("contract/models", "2026-11-24")
    assert (first.id, first.name, first.context_length, first.created) == ("a/b", "B", 4096, 7)
    assert sorted(first.features or ()) == ["json_mode", "logprobs", "tools", "vision"]
    assert (second.id, second.price, second.context_length, second.features) == ("auto", None, None, None)


async def test_rates_besides_input_and_output() -> None:
    pricing = {"in": "0.000002", "out": "0.000004", "read": "0.0000002", "write": "0", "call": "0.01"}
    paths = {"input": "p.in", "output": "p.out", "cache_read": "p.read", "cache_write": "p.write", "request": "p.call"}
    http = FakeHttpClient(Answer(pieces=(msgspec.json.encode([{"id": "m", "p": pricing}]),)))
    (found,) = await provider(http, listing={"prices": {**paths, "per": "token"}}).list_models()
    assert found.price is not None
    assert (found.price.cache_read, found.price.cache_write_5m, found.price.request) == (200_000_000, None, 10_000_000)


async def test_a_bare_list_and_junk() -> None:
    http = FakeHttpClient(Answer(pieces=(b'[{"id": "m", "pricing": {"input": 0.9}}]',)))
    assert [listing.id for listing in await provider(http).list_models()] == ["m"]
    with pytest.raises(UpstreamBroken):
        await provider(FakeHttpClient(Answer(pieces=(b"<html>",)))).list_models()
    with pytest.raises(UpstreamModelMissing):
        await provider(FakeHttpClient(Answer(status=404))).list_models()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"api_key": ""}, False),
        ({"api_key": None}, True),
        ({"api_key": "", "api_keys": {"a": "k"}}, True),
        ({"requires": {"account": ""}}, False),
        ({"base_url": ""}, False),
        ({"region": "china", "regions": {"china": {"base_url": "http://c/v1", "api_key": ""}}}, False),
        ({"region": "China", "api_key": "", "regions": {"china": {"base_url": "http://c/v1", "api_key": "k"}}}, True),
        ({"region": "mars", "regions": {"china": {"base_url": "http://c/v1", "api_key": ""}}}, True),
    ],
)
def test_when_it_is_configured(more: dict[str, Any], expected: bool) -> None:
    assert decode_settings(OpenAICompatibleSettings, {**SAMPLE, **more}).is_configured() is expected


@pytest.mark.parametrize("more", [{"base_url": "ftp://x"}, {"base_url": "http://u@h"}, {"headers": {"a b": "c"}}])
def test_settings_no_request_could_be_made_of(more: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_settings(OpenAICompatibleSettings, {**SAMPLE, **more})


def test_an_empty_address_is_refused_when_it_is_switched_on() -> None:
    with pytest.raises(ConfigurationError):
        provider(FakeHttpClient(Answer()), base_url="")
