from typing import Any

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamAuthFailed, UpstreamRejected
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.testing import ANTHROPIC_SCRIPT, Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, CallContext, Headers, HttpRequest, WireCall
from gatewayz_plugins.providers.anthropic.provider import AnthropicProvider
from gatewayz_plugins.providers.anthropic.settings import AnthropicSettings
from tests.fakes.provider_contract import EngineContract


class TestAnthropic(EngineContract):
    module = "gatewayz_plugins.providers.anthropic"
    settings = AnthropicSettings
    sample = {"base_url": "{base_url}", "api_key": "{secret}"}
    script = ANTHROPIC_SCRIPT

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return AnthropicProvider(settings, context)


def anthropic(http: FakeHttpClient, **more: Any) -> AnthropicProvider:
    settings = decode_settings(AnthropicSettings, {"api_key": "key-123456", **more})
    return AnthropicProvider(settings, plugin_context(http))


async def sent(headers: Headers = (), **settings: Any) -> tuple[dict[bytes, bytes], HttpRequest]:
    http = FakeHttpClient(Answer(pieces=(b"{}",)))
    call = WireCall(format=ANTHROPIC_MESSAGES, model="m", fields={"max_tokens": msgspec.Raw(b"1")})
    (await anthropic(http, **settings).exchange(call, CallContext(request_id="r", headers=headers))).close()
    request = http.requests[0]
    assert len({name for name, _ in request.headers}) == len(request.headers)
    return dict(request.headers), request


async def test_version_and_key() -> None:
    headers, request = await sent()
    assert headers[b"anthropic-version"] == b"2023-06-01"
    assert headers[b"x-api-key"] == b"key-123456"
    assert b"anthropic-beta" not in headers
    assert (request.origin.host, request.target) == ("api.anthropic.com", b"/v1/messages")


async def test_the_callers_version_and_betas_pass() -> None:
    given = ((b"anthropic-version", b"2026-10-21"), (b"anthropic-beta", b"a,b"), (b"x-other", b"never"))
    headers, _ = await sent(given, betas=["ours"])
    assert headers[b"anthropic-version"] == b"2026-10-21"
    assert headers[b"anthropic-beta"] == b"ours,a,b"
    assert b"x-other" not in headers


async def test_a_bearer_token() -> None:
    headers, _ = await sent(auth="bearer")
    assert headers[b"authorization"] == b"Bearer key-123456"
    assert b"x-api-key" not in headers


async def test_the_list_is_read_to_its_end() -> None:
    def pages(request: HttpRequest) -> Answer:
        if b"after_id=one" in request.target:
            return Answer(pieces=(b'{"data": [{"id": "two"}], "has_more": false}',))
        first = b'{"data": [{"id": "one", "display_name": "One", "created_at": "2026-01-01T00:00:00Z"}],'
        return Answer(pieces=(first + b'"has_more": true, "last_id": "one"}',))

    found = await anthropic(FakeHttpClient(pages)).list_models()
    rows = [(model.id, model.name, model.created) for model in found]
    assert rows == [("one", "One", 1767225600), ("two", None, None)]


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [(400, "Your credit balance is too low", UpstreamAuthFailed), (413, "too large", UpstreamRejected)],
)
def test_own_errors(status: int, message: str, expected: type[Exception]) -> None:
    error = anthropic(FakeHttpClient(Answer())).error_from_reply(status, (), ANTHROPIC_SCRIPT.error(message))
    assert type(error) is expected
