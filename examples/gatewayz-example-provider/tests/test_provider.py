"""The gateway's contract suite against this provider, and tests of what is special about it."""

import json

import pytest
from gatewayz_example_provider.provider import SignedProvider
from gatewayz_example_provider.settings import SignedSettings
from gatewayz_example_provider.signing import signature

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamAuthFailed
from gatewayz.sdk.testing import (
    OPENAI_CHAT_SCRIPT,
    Answer,
    FakeHttpClient,
    ProviderContract,
    decode_settings,
    plugin_context,
)
from gatewayz.sdk.wire import CallContext

CONTEXT = CallContext(request_id="r-1")


class TestSigned(ProviderContract):
    """Every test of the suite is inherited; these are this provider's own."""

    module = "gatewayz_example_provider"
    settings = SignedSettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}", "signing_secret": "the other secret"}
    script = OPENAI_CHAT_SCRIPT

    def build(self, settings: SignedSettings, context: PluginContext) -> SignedProvider:
        return SignedProvider(settings, context)

    def answered(self, answer: Answer) -> tuple[SignedProvider, FakeHttpClient]:
        """Return the provider and the client through which it is answered."""
        http = FakeHttpClient(answer)
        return self.build(decode_settings(self.settings, self.values()), plugin_context(http)), http

    async def test_the_body_is_signed(self) -> None:
        provider, http = self.answered(Answer(pieces=(self.script.answer("hello"),)))
        await provider.complete(self.call(), CONTEXT)
        sent = http.requests[0]
        headers = dict(sent.headers)
        second = int(headers[b"x-signed-at"])
        assert headers[b"x-signature"] == signature(b"the other secret", second, sent.body)

    async def test_an_empty_account_is_the_operators_trouble(self) -> None:
        body = json.dumps({"error": {"code": "account_empty", "message": "top up"}}).encode()
        provider, _ = self.answered(Answer(status=402, pieces=(body,)))
        with pytest.raises(UpstreamAuthFailed):
            await provider.complete(self.call(), CONTEXT)

    async def test_models_are_listed_with_their_prices(self) -> None:
        models = [
            {"id": "large", "context": 8192, "input_usd": "0.25", "output_usd": "1.5"},
            {"id": "unpriced", "input_usd": "0.25"},
        ]
        provider, http = self.answered(Answer(pieces=(json.dumps({"data": models}).encode(),)))
        large, unpriced = await provider.list_models()
        assert http.requests[0].target.endswith(b"/models")
        assert (large.id, large.context_length) == ("large", 8192)
        assert large.price is not None
        assert (large.price.input, large.price.output) == (250_000_000, 1_500_000_000)
        assert unpriced.price is None


def test_a_signature_by_hand() -> None:
    """From `printf '7.{}' | openssl dgst -sha256 -hmac key`."""
    assert signature(b"key", 7, b"{}") == b"77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8"
