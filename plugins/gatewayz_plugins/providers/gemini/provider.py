"""Requests to `models/MODEL:generateContent` and the model list."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from gatewayz.dialects.gemini_generate import GEMINI_GENERATE_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.wire import GEMINI_GENERATE, CallContext, Format, HttpRequest, split_url
from gatewayz_plugins.providers.gemini.settings import GeminiSettings

__all__ = ["GeminiProvider"]

_MAX_PAGES: Final = 20
_ERRORS: Final = (ErrorRule(error="auth_failed", status=400, contains="api_key_invalid"),)
"""Source: ai.google.dev/gemini-api/docs/troubleshooting, 2026-10: a wrong key is 400."""


class _Model(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] = []


class _Page(msgspec.Struct, rename="camel"):
    models: list[_Model] = []
    next_page_token: str | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


class GeminiProvider(HttpProvider):
    """Google's Gemini API."""

    def __init__(self, settings: GeminiSettings, context: PluginContext) -> None:
        keys = labelled(settings.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(credentials=tuple(keys) or ("default",), model_ids=settings.model_ids),
            {GEMINI_GENERATE: GEMINI_GENERATE_DIALECT},
            unsupported=settings.unsupported,
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._origin, self._base = split_url(settings.base_url)
        self._headers = HeaderSets(settings.headers, keys, header="x-goog-api-key", scheme="")

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call; the model and the way of answering are in the path."""
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        kind, _, name = model.rpartition("/")
        folder = "tunedModels" if kind == "tunedModels" else "models"
        target = f"{self._base}/{folder}/{quote(name, safe='')}:{method}"
        headers = self._headers.of(context.credential)
        return HttpRequest(origin=self._origin, target=target.encode(), headers=headers, body=body)

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the models that generate content, all pages of the list. Raises UpstreamError."""
        found: list[ModelListing] = []
        target = f"{self._base}/models?pageSize=1000"
        for _ in range(_MAX_PAGES):
            request = HttpRequest(
                origin=self._origin, target=target.encode(), headers=self._headers.first, method=b"GET"
            )
            page = await self.get_json(request, _PAGE)
            found.extend(
                ModelListing(
                    id=model.name.removeprefix("models/"),
                    name=model.display_name,
                    context_length=model.input_token_limit,
                    max_output_tokens=model.output_token_limit,
                )
                for model in page.models
                if "generateContent" in model.supported_generation_methods
            )
            if not page.next_page_token:
                break
            target = f"{self._base}/models?pageSize=1000&pageToken={quote(page.next_page_token, safe='')}"
        return found
