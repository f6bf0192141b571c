"""Requests to a publisher model of a project, with a fresh access token."""

from pathlib import Path
from typing import Final
from urllib.parse import quote

from gatewayz.dialects.gemini_generate import GEMINI_GENERATE_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.errors import ConfigurationError, UpstreamAuthFailed
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import REPLY_LIMIT, HttpProvider
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.wire import GEMINI_GENERATE, CallContext, Format, HttpRequest, split_url
from gatewayz_plugins.providers.google_vertex.imagen import parse_images, render_image_call
from gatewayz_plugins.providers.google_vertex.settings import GoogleVertexSettings
from gatewayz_plugins.providers.google_vertex.tokens import AccessTokens, read_service_account

__all__ = ["GoogleVertexProvider"]

_IMAGES: Final = Format("vertex_images")
_ERRORS: Final = (
    ErrorRule(error="auth_failed", status=400, contains="billing"),
    ErrorRule(error="content_filtered", status=400, contains="responsible ai"),
)
"""Source: cloud.google.com/vertex-ai/generative-ai/docs/model-reference/api-errors, 2026-10."""


class GoogleVertexProvider(HttpProvider):
    """Gemini and Imagen on Vertex AI."""

    def __init__(self, settings: GoogleVertexSettings, context: PluginContext) -> None:
        super().__init__(
            context.http,
            Capabilities(images=True, model_ids=settings.model_ids),
            {GEMINI_GENERATE: GEMINI_GENERATE_DIALECT},
            unsupported=settings.unsupported,
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=[settings.credentials_json] if settings.credentials_json else (),
        )
        self._settings = settings
        self._context = context
        self._origin, self._base = split_url(settings.address)
        self._headers = HeaderSets({}, {}).first
        self._publisher = ""
        self._tokens: AccessTokens | None = None

    async def provision(self) -> None:
        """Read the service account. Raises ConfigurationError."""
        settings = self._settings
        account = read_service_account(
            settings.credentials_json.reveal() if settings.credentials_json else _read(settings.credentials_file)
        )
        project = settings.project or account.project_id
        if not project:
            raise ConfigurationError("no project: neither in the settings nor in the service account")
        self._publisher = f"projects/{quote(project, safe=':')}/locations/{settings.region}/publishers/google/models"
        self._tokens = AccessTokens(account, self._context.http, self._context.clock)

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call to the model's path, or to the whole resource name where the id is one."""
        if self._tokens is None:
            raise UpstreamAuthFailed("the provider has no service account")
        token = await self._tokens.token()
        method = "streamGenerateContent?alt=sse" if stream else "predict" if format == _IMAGES else "generateContent"
        if model.startswith("projects/") and ".." not in model:
            name = quote(model, safe="/")
        else:
            name = f"{self._publisher}/{quote(model, safe='')}"
        return HttpRequest(
            origin=self._origin,
            target=f"{self._base}/{name}:{method}".encode(),
            headers=(*self._headers, (b"authorization", b"Bearer " + token.encode())),
            body=body,
        )

    async def generate_images(self, call: ImageCall, context: CallContext) -> Images:
        """Return the pictures when they are done. Raises UpstreamError."""
        reply = await self._send(_IMAGES, call.model, render_image_call(call), False, context)
        try:
            body = await reply.read_all(REPLY_LIMIT)
        finally:
            reply.close()
        return parse_images(body, call, created=int(self._context.clock.now().timestamp()))

    async def aclose(self) -> None:
        """Stop fetching tokens."""
        if self._tokens is not None:
            await self._tokens.aclose()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as err:
        raise ConfigurationError(f"credentials_file cannot be read: {err.strerror}: {path}") from err
