from typing import Any

import msgspec
import pytest

from gatewayz.sdk.chat import EmbeddingCall
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.interfaces import Embedder, Provider
from gatewayz.sdk.testing import Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import CallContext, HttpRequest
from gatewayz_plugins.providers.cohere.provider import CohereProvider
from gatewayz_plugins.providers.cohere.settings import CohereSettings
from tests.fakes.provider_contract import EngineContract
from tests.fakes.wire_scripts import COHERE_SCRIPT

CONTEXT = CallContext(request_id="r")
VECTORS = b'{"id": "e", "embeddings": {"float": [[0.5, 1], [2, 3]]}, "meta": {"billed_units": {"input_tokens": 7}}}'


class TestCohere(EngineContract):
    module = "gatewayz_plugins.providers.cohere"
    settings = CohereSettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}"}
    script = COHERE_SCRIPT

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return CohereProvider(settings, context)


def cohere(http: FakeHttpClient) -> CohereProvider:
    return CohereProvider(decode_settings(CohereSettings, {"api_key": "key-123456"}), plugin_context(http))


async def test_embeddings() -> None:
    http = FakeHttpClient(Answer(pieces=(VECTORS,)))
    provider = cohere(http)
    assert isinstance(provider, Embedder)
    answer = await provider.embed(EmbeddingCall(model="embed-v4.0", inputs=("a", "b"), dimensions=2), CONTEXT)
    assert [embedding.vector for embedding in answer.vectors] == [(0.5, 1.0), (2.0, 3.0)]
    assert answer.usage.input_tokens == 7
    assert http.requests[0].target == b"/v2/embed"
    assert msgspec.json.decode(http.requests[0].body) == {
        "model": "embed-v4.0",
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 2,
    }
    assert http.replies[0].is_closed


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"embeddings": {"float": [[1]]}}', b'{"embeddings": {}}'])
async def test_embeddings_that_are_none(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        await cohere(FakeHttpClient(Answer(pieces=(body,)))).embed(EmbeddingCall(model="m", inputs=("a", "b")), CONTEXT)


async def test_token_ids_cannot_be_embedded() -> None:
    with pytest.raises(UnsupportedFeature):
        await cohere(FakeHttpClient(Answer())).embed(EmbeddingCall(model="m", inputs=((1, 2),)), CONTEXT)


async def test_the_list_is_read_to_its_end() -> None:
    def pages(request: HttpRequest) -> Answer:
        if b"page_token=p2" in request.target:
            return Answer(pieces=(b'{"models": [{"name": "two"}]}',))
        return Answer(pieces=(b'{"models": [{"name": "one", "context_length": 128000.0}], "next_page_token": "p2"}',))

    found = await cohere(FakeHttpClient(pages)).list_models()
    assert [(model.id, model.context_length) for model in found] == [("one", 128000), ("two", None)]
