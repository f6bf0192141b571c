from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, ContentFiltered, UpstreamModelMissing
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.testing import OPENAI_CHAT_SCRIPT, Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import OPENAI_CHAT, OPENAI_EMBEDDINGS, CallContext, WireCall
from gatewayz_plugins.providers.azure_openai.provider import AzureOpenAIProvider
from gatewayz_plugins.providers.azure_openai.settings import AzureOpenAISettings
from tests.fakes.provider_contract import EngineContract

CONTEXT = CallContext(request_id="r")
SAMPLE: dict[str, Any] = {"base_url": "http://x.openai.azure.com", "api_key": "key-123456"}


class TestAzureOpenAI(EngineContract):
    module = "gatewayz_plugins.providers.azure_openai"
    settings = AzureOpenAISettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}", "deployments": {"m-1": "prod one"}}
    script = replace(
        OPENAI_CHAT_SCRIPT, target="/openai/deployments/prod%20one/chat/completions?api-version=2024-10-21"
    )

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return AzureOpenAIProvider(settings, context)


def azure(http: FakeHttpClient, **more: Any) -> AzureOpenAIProvider:
    return AzureOpenAIProvider(decode_settings(AzureOpenAISettings, {**SAMPLE, **more}), plugin_context(http))


async def exchange(format: Any, **more: Any) -> tuple[Any, FakeHttpClient]:
    http = FakeHttpClient(Answer(pieces=(b"{}",)))
    fields = {"max_tokens": msgspec.Raw(b"5"), "input": msgspec.Raw(b'"x"')}
    call = WireCall(format=format, model="o3-mini", fields=fields, stream=format == OPENAI_CHAT)
    (await azure(http, **more).exchange(call, CONTEXT)).close()
    return msgspec.json.decode(http.requests[0].body), http


async def test_quirks_are_of_chat() -> None:
    quirks = {"model_quirks": {"o3*": {"rename": {"max_tokens": "max_completion_tokens"}}}}
    sent, http = await exchange(OPENAI_CHAT, **quirks)
    assert sent["max_completion_tokens"] == 5
    assert sent["stream_options"] == {"include_usage": True}
    assert dict(http.requests[0].headers)[b"api-key"] == b"key-123456"
    sent, http = await exchange(OPENAI_EMBEDDINGS, **quirks)
    assert sent == {"max_tokens": 5, "input": "x", "model": "o3-mini"}
    assert http.requests[0].target == b"/openai/deployments/o3-mini/embeddings?api-version=2024-10-21"


async def test_an_access_token() -> None:
    _, http = await exchange(OPENAI_CHAT, auth="bearer")
    assert dict(http.requests[0].headers)[b"authorization"] == b"Bearer key-123456"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(404, "DeploymentNotFound", UpstreamModelMissing), (400, "content_filter", ContentFiltered)],
)
def test_own_errors(status: int, code: str, expected: type[Exception]) -> None:
    body = msgspec.json.encode({"error": {"code": code, "message": "m"}})
    assert type(azure(FakeHttpClient(Answer())).error_from_reply(status, (), body)) is expected


def test_without_an_endpoint() -> None:
    assert not decode_settings(AzureOpenAISettings, {**SAMPLE, "base_url": ""}).is_configured()
    with pytest.raises(ConfigurationError):
        azure(FakeHttpClient(Answer()), base_url="")
