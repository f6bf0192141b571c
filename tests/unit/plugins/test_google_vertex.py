from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, UpstreamAuthFailed
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.testing import Answer, FakeHttpClient, plugin_context
from gatewayz.sdk.wire import GEMINI_GENERATE, CallContext
from gatewayz_plugins.providers.google_vertex.provider import GoogleVertexProvider
from gatewayz_plugins.providers.google_vertex.settings import GoogleVertexSettings
from gatewayz_plugins.providers.google_vertex.tokens import AccessTokens, ServiceAccount
from tests.fakes.provider_contract import EngineContract
from tests.fakes.wire_scripts import GEMINI_SCRIPT

PUBLISHER = "/projects/proj-1/locations/us-central1/publishers/google"
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
KEY = msgspec.json.encode(ServiceAccount(client_email="a@b", private_key=PEM, project_id="proj-1")).decode()


class KnownToken(AccessTokens):
    """Has its token already: the contract's upstream is the model, not the token service."""

    def __init__(self, token: str) -> None:
        self._known = token

    async def token(self) -> str:
        return self._known

    async def aclose(self) -> None:
        return


class ProvisionedVertex(GoogleVertexProvider):
    def __init__(self, settings: GoogleVertexSettings, context: PluginContext) -> None:
        super().__init__(settings, context)
        self._publisher = f"{PUBLISHER[1:]}/models"
        self._tokens = KnownToken(settings.credentials_json.reveal() if settings.credentials_json else "")

    async def provision(self) -> None:
        return


class TestGoogleVertex(EngineContract):
    module = "gatewayz_plugins.providers.google_vertex"
    settings = GoogleVertexSettings
    sample = {"base_url": "{base_url}", "credentials_json": "{secret}"}
    script = GEMINI_SCRIPT

    def build(self, settings: Any, context: PluginContext) -> Provider:
        return ProvisionedVertex(settings, context)

    def _target(self, stream: bool) -> str:
        return PUBLISHER + super()._target(stream)


def vertex(http: FakeHttpClient, **settings: Any) -> GoogleVertexProvider:
    return GoogleVertexProvider(GoogleVertexSettings(**settings), plugin_context(http))


async def test_from_key_file_to_request(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(KEY)
    http = FakeHttpClient(Answer(pieces=(b'{"access_token": "ya29.t", "expires_in": 3600}',)))
    provider = vertex(http, credentials_file=str(file), region="europe-west1")
    await provider.provision()
    request = await provider.build_request(GEMINI_GENERATE, "gemini-x", b"{}", False, CallContext(request_id="r"))
    assert request.origin.host == "europe-west1-aiplatform.googleapis.com"
    assert request.target == (
        b"/v1/projects/proj-1/locations/europe-west1/publishers/google/models/gemini-x:generateContent"
    )
    assert dict(request.headers)[b"authorization"] == b"Bearer ya29.t"
    whole = await provider.build_request(
        GEMINI_GENERATE, "projects/p/locations/l/models/m", b"{}", True, CallContext(request_id="r")
    )
    assert whole.target == b"/v1/projects/p/locations/l/models/m:streamGenerateContent?alt=sse"
    await provider.aclose()


@pytest.mark.parametrize("settings", [{"credentials_file": "/no/such/file"}, {"credentials_file": ""}])
async def test_without_a_key(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        await vertex(FakeHttpClient(Answer()), **settings).provision()


async def test_a_call_before_it_is_ready() -> None:
    with pytest.raises(UpstreamAuthFailed):
        await vertex(FakeHttpClient(Answer())).build_request(
            GEMINI_GENERATE, "m", b"", False, CallContext(request_id="r")
        )


def test_addresses() -> None:
    assert GoogleVertexSettings(region="global").address == "https://aiplatform.googleapis.com/v1"
    with pytest.raises(ValueError, match="region"):
        GoogleVertexSettings(region="evil.com/")
    assert not GoogleVertexSettings().is_configured()
