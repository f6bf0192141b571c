"""Requests to `/model/ID/converse` and `/model/ID/converse-stream`."""

from typing import Final
from urllib.parse import quote

from gatewayz.dialects.bedrock_converse import BEDROCK_CONVERSE_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.errors import ConfigurationError, UpstreamAuthFailed
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import BEDROCK_CONVERSE, CallContext, Format, HttpRequest, split_url
from gatewayz_plugins.providers.bedrock.settings import BedrockSettings
from gatewayz_plugins.providers.bedrock.signing import BearerSigner, Signer, SigV4Signer

__all__ = ["BedrockProvider"]

_ERRORS: Final = (
    ErrorRule(error="model_missing", status=400, contains="model identifier is invalid"),
    ErrorRule(error="unsupported", status=400, contains="on-demand throughput isn"),
    ErrorRule(error="broken", status=424),
)
"""Source: docs.aws.amazon.com/bedrock, API reference of Converse, 2026-10: 424 is the error of a model."""


class BedrockProvider(HttpProvider):
    """Amazon Bedrock in one region."""

    def __init__(self, settings: BedrockSettings, context: PluginContext) -> None:
        super().__init__(
            context.http,
            Capabilities(model_ids=settings.model_ids),
            {BEDROCK_CONVERSE: BEDROCK_CONVERSE_DIALECT},
            unsupported=settings.unsupported,
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=[secret for secret in _secrets(settings) if secret],
        )
        self._settings = settings
        self._origin, self._base = split_url(settings.address)
        self._signer: Signer | None = BearerSigner(settings.api_key) if settings.api_key else None

    async def provision(self) -> None:
        """Load what signs. Raises ConfigurationError."""
        settings = self._settings
        if self._signer is not None:
            return
        if not settings.access_key_id or not settings.secret_access_key:
            raise ConfigurationError("neither api_key nor access_key_id and secret_access_key are set")
        self._signer = await SigV4Signer.load(
            settings.access_key_id, settings.secret_access_key, settings.session_token, settings.region
        )

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the signed call; a colon in the model's id is encoded before it is signed."""
        if self._signer is None:
            raise UpstreamAuthFailed("the provider has no credential")
        method = "converse-stream" if stream else "converse"
        target = f"{self._base}/model/{quote(model, safe='')}/{method}".encode()
        headers = self._signer.headers(self._origin, target, body)
        return HttpRequest(origin=self._origin, target=target, headers=headers, body=body)


def _secrets(settings: BedrockSettings) -> tuple[Secret | None, ...]:
    return settings.api_key, settings.secret_access_key, settings.session_token
