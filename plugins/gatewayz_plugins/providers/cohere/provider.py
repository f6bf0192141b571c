"""Requests to `/v2/chat`, `/v2/embed` and the model list."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from gatewayz.dialects.cohere_chat import COHERE_CHAT_DIALECT
from gatewayz.sdk.chat import EmbeddingCall, Embeddings
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import REPLY_LIMIT, HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.wire import COHERE_CHAT, CallContext, Format, HttpRequest, split_url
from gatewayz_plugins.providers.cohere.embeddings import parse_embeddings, render_embedding_call
from gatewayz_plugins.providers.cohere.settings import CohereSettings

__all__ = ["CohereProvider"]

_EMBED: Final = Format("cohere_embed")
_MAX_PAGES: Final = 20
_ERRORS: Final = (
    ErrorRule(error="model_missing", status=400, contains="model '"),
    ErrorRule(error="auth_failed", status=498),
    ErrorRule(error="broken", status=499),
)
"""Source: docs.cohere.com/reference/errors, 2026-10: 498 is a blocked token, 499 a call it gave up."""


class _Model(msgspec.Struct, frozen=True):
    name: str
    context_length: float | None = None


class _Page(msgspec.Struct, frozen=True):
    models: list[_Model] = []
    next_page_token: str | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


class CohereProvider(HttpProvider):
    """Cohere's API."""

    def __init__(self, settings: CohereSettings, context: PluginContext) -> None:
        keys = labelled(settings.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(embeddings=True, credentials=tuple(keys) or ("default",), model_ids=settings.model_ids),
            {COHERE_CHAT: COHERE_CHAT_DIALECT},
            unsupported=settings.unsupported,
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._origin, self._base = split_url(settings.base_url)
        self._targets = {COHERE_CHAT: f"{self._base}/v2/chat".encode(), _EMBED: f"{self._base}/v2/embed".encode()}
        self._headers = HeaderSets(settings.headers, keys)
        self._input_type = settings.embedding_input_type

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call, its key chosen by the context's label."""
        headers = self._headers.of(context.credential)
        return HttpRequest(origin=self._origin, target=self._targets[format], headers=headers, body=body)

    async def embed(self, call: EmbeddingCall, context: CallContext) -> Embeddings:
        """Return one vector for each text. Raises UpstreamError."""
        reply = await self._send(_EMBED, call.model, render_embedding_call(call, self._input_type), False, context)
        try:
            return parse_embeddings(await reply.read_all(REPLY_LIMIT), call)
        finally:
            reply.close()

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the upstream's own list, all pages of it. Raises UpstreamError."""
        found: list[ModelListing] = []
        target = f"{self._base}/v1/models?page_size=1000"
        for _ in range(_MAX_PAGES):
            request = HttpRequest(
                origin=self._origin, target=target.encode(), headers=self._headers.first, method=b"GET"
            )
            page = await self.get_json(request, _PAGE)
            found.extend(
                ModelListing(id=model.name, context_length=int(model.context_length) if model.context_length else None)
                for model in page.models
            )
            if not page.next_page_token:
                break
            target = f"{self._base}/v1/models?page_size=1000&page_token={quote(page.next_page_token, safe='')}"
        return found
