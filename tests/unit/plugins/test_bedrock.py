from typing import Any

import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, UpstreamAuthFailed, UpstreamBroken, UpstreamModelMissing
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.testing import Answer, FakeHttpClient, plugin_context
from gatewayz.sdk.wire import BEDROCK_CONVERSE, CallContext
from gatewayz_plugins.providers.bedrock.provider import BedrockProvider
from gatewayz_plugins.providers.bedrock.settings import BedrockSettings
from tests.fakes.provider_contract import EngineContract
from tests.fakes.wire_scripts import CONVERSE_SCRIPT

CONTEXT = CallContext(request_id="r")


class TestBearer(EngineContract):
    module = "gatewayz_plugins.providers.bedrock"
    settings = BedrockSettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}"}
    script = CONVERSE_SCRIPT

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return BedrockProvider(settings, context)


def bedrock(http: FakeHttpClient, **settings: Any) -> BedrockProvider:
    return BedrockProvider(BedrockSettings(**settings), plugin_context(http))


async def test_an_access_key_signs() -> None:
    provider = bedrock(
        FakeHttpClient(Answer()), region="eu-west-1", access_key_id="AKID", secret_access_key=Secret("secret-key")
    )
    await provider.provision()
    request = await provider.build_request(BEDROCK_CONVERSE, "us.anthropic.claude-v1:0", b"{}", False, CONTEXT)
    assert request.origin.host == "bedrock-runtime.eu-west-1.amazonaws.com"
    assert request.target == b"/model/us.anthropic.claude-v1%3A0/converse"
    assert b"/eu-west-1/bedrock/aws4_request" in dict(request.headers)[b"authorization"]
    stream = await provider.build_request(BEDROCK_CONVERSE, "m", b"{}", True, CONTEXT)
    assert stream.target == b"/model/m/converse-stream"


async def test_without_a_credential() -> None:
    provider = bedrock(FakeHttpClient(Answer()), access_key_id="AKID")
    with pytest.raises(ConfigurationError):
        await provider.provision()
    with pytest.raises(UpstreamAuthFailed):
        await provider.build_request(BEDROCK_CONVERSE, "m", b"{}", False, CONTEXT)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "The provided model identifier is invalid.", UpstreamModelMissing),
        (424, "The model failed", UpstreamBroken),
    ],
)
def test_own_errors(status: int, message: str, expected: type[Exception]) -> None:
    provider = bedrock(FakeHttpClient(Answer()), api_key=Secret("k"))
    assert type(provider.error_from_reply(status, (), CONVERSE_SCRIPT.error(message))) is expected


def test_when_it_is_configured() -> None:
    assert not BedrockSettings().is_configured()
    assert not BedrockSettings(access_key_id="a").is_configured()
    assert not BedrockSettings(api_key=Secret("")).is_configured()
    assert BedrockSettings(access_key_id="a", secret_access_key=Secret("b")).is_configured()
    with pytest.raises(ValueError, match="region"):
        BedrockSettings(region="evil.com/x")
