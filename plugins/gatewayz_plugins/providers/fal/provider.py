"""Requests to fal's models, one path each."""

from typing import Final
from urllib.parse import quote

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import REPLY_LIMIT, HttpProvider
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.wire import CallContext, Format, HttpRequest, split_url
from gatewayz_plugins.providers.fal.settings import FalSettings
from gatewayz_plugins.providers.fal.translate import parse_images, render_image_call

__all__ = ["FalProvider"]

_IMAGES: Final = Format("fal_images")
_ERRORS: Final = (
    ErrorRule(error="content_filtered", status=422, contains="content_policy_violation"),
    ErrorRule(error="auth_failed", status=403, contains="exhausted balance"),
)
"""Source: docs.fal.ai/errors, 2026-10."""


class FalProvider(HttpProvider):
    """fal's synchronous endpoint. It has no chat: `complete` and `stream` raise UnsupportedFeature (400)."""

    def __init__(self, settings: FalSettings, context: PluginContext) -> None:
        keys = labelled(settings.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(
                chat=False, images=True, credentials=tuple(keys) or ("default",), model_ids=settings.model_ids
            ),
            {},
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._origin, self._base = split_url(settings.base_url)
        self._headers = HeaderSets(settings.headers, keys, scheme="Key ")
        self._clock = context.clock

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call; the model is the path."""
        path = "/".join(quote(part, safe="") for part in model.split("/") if part not in ("", ".", ".."))
        headers = self._headers.of(context.credential)
        return HttpRequest(origin=self._origin, target=f"{self._base}/{path}".encode(), headers=headers, body=body)

    async def generate_images(self, call: ImageCall, context: CallContext) -> Images:
        """Return the pictures when they are done. Raises UpstreamError."""
        reply = await self._send(_IMAGES, call.model, render_image_call(call), False, context)
        try:
            body = await reply.read_all(REPLY_LIMIT)
        finally:
            reply.close()
        return parse_images(body, call, created=int(self._clock.now().timestamp()))
