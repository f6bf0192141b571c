from typing import Any

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.testing import Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import GEMINI_GENERATE, CallContext, HttpRequest
from gatewayz_plugins.providers.gemini.provider import GeminiProvider
from gatewayz_plugins.providers.gemini.settings import GeminiSettings
from tests.fakes.provider_contract import EngineContract
from tests.fakes.wire_scripts import GEMINI_SCRIPT


class TestGemini(EngineContract):
    module = "gatewayz_plugins.providers.gemini"
    settings = GeminiSettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}"}
    script = GEMINI_SCRIPT

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return GeminiProvider(settings, context)


def gemini(http: FakeHttpClient) -> GeminiProvider:
    settings = decode_settings(GeminiSettings, {"api_key": "key-123456"})
    return GeminiProvider(settings, plugin_context(http))


async def test_a_model_cannot_leave_its_path() -> None:
    context = CallContext(request_id="r")
    provider = gemini(FakeHttpClient(Answer()))
    request = await provider.build_request(GEMINI_GENERATE, "../x?y=z", b"", False, context)
    assert request.target == b"/v1beta/models/x%3Fy%3Dz:generateContent"
    request = await provider.build_request(GEMINI_GENERATE, "tunedModels/t-1", b"", True, context)
    assert request.target == b"/v1beta/tunedModels/t-1:streamGenerateContent?alt=sse"
    assert dict(request.headers)[b"x-goog-api-key"] == b"key-123456"


async def test_the_list_is_read_to_its_end() -> None:
    def pages(request: HttpRequest) -> Answer:
        if b"pageToken=a%2Fb" in request.target:
            return Answer(
                pieces=(b'{"models": [{"name": "models/two", "supportedGenerationMethods": ["generateContent"]}]}',)
            )
        return Answer(
            pieces=(
                b'{"models": [{"name": "models/one", "displayName": "One", "inputTokenLimit": 9,'
                b'"outputTokenLimit": 5, "supportedGenerationMethods": ["generateContent"]},'
                b'{"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}], "nextPageToken": "a/b"}',
            )
        )

    found = await gemini(FakeHttpClient(pages)).list_models()
    assert [(model.id, model.context_length) for model in found] == [("one", 9), ("two", None)]
