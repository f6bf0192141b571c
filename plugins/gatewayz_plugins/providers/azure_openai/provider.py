"""Requests to a deployment of an Azure resource, in OpenAI's formats."""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.dialect import Rendered
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.quirks import Quirks, QuirkTable
from gatewayz.sdk.wire import (
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    CallContext,
    Format,
    HttpRequest,
    WireCall,
    split_url,
)
from gatewayz_plugins.providers.azure_openai.settings import AzureOpenAISettings

__all__ = ["AzureOpenAIProvider"]

_PATHS: Final = {
    OPENAI_CHAT: "chat/completions",
    OPENAI_COMPLETIONS: "completions",
    OPENAI_EMBEDDINGS: "embeddings",
}
_ERRORS: Final = (
    ErrorRule(error="model_missing", code="deploymentnotfound"),
    ErrorRule(error="content_filtered", status=400, code="responsibleaipolicyviolation"),
)
"""Source: learn.microsoft.com/azure/ai-services/openai/reference, 2026-10."""


class AzureOpenAIProvider(HttpProvider):
    """One Azure resource."""

    def __init__(self, settings: AzureOpenAISettings, context: PluginContext) -> None:
        if not settings.base_url:
            raise ConfigurationError("base_url is empty")
        formats = frozenset(Format(name) for name in settings.formats)
        keys = labelled(settings.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(
                formats=formats,
                chat=OPENAI_CHAT in formats,
                embeddings=OPENAI_EMBEDDINGS in formats,
                credentials=tuple(keys) or ("default",),
                model_ids=settings.model_ids,
            ),
            {OPENAI_CHAT: OPENAI_CHAT_DIALECT},
            unsupported=settings.unsupported,
            rules=(*settings.errors, *_ERRORS),
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._origin, self._base = split_url(settings.base_url)
        self._query = urlencode({"api-version": settings.api_version})
        self._deployments = settings.deployments
        in_bearer = settings.auth == "bearer"
        self._headers = HeaderSets(
            settings.headers,
            keys,
            header="authorization" if in_bearer else "api-key",
            scheme="Bearer " if in_bearer else "",
        )
        self._chat_quirks = QuirkTable(settings.quirks, settings.model_quirks, asks_usage=True)
        self._other_quirks = {
            OPENAI_COMPLETIONS: QuirkTable(Quirks(), {}, asks_usage=True),
            OPENAI_EMBEDDINGS: QuirkTable(Quirks(), {}, asks_usage=False),
        }

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call to the model's deployment."""
        deployment = quote(self._deployments.get(model, model), safe="")
        target = f"{self._base}/openai/deployments/{deployment}/{_PATHS[format]}?{self._query}"
        headers = self._headers.of(context.credential)
        return HttpRequest(origin=self._origin, target=target.encode(), headers=headers, body=body)

    def edit_fields(self, call: WireCall) -> dict[str, msgspec.Raw]:
        """Return the call's members with model, usage option and quirks."""
        quirks = self._other_quirks.get(call.format, self._chat_quirks)
        return quirks.editor(call.model).edit(super().edit_fields(call), stream=call.stream)

    def edit_rendered(self, format: Format, model: str, rendered: Rendered, *, stream: bool) -> Rendered:
        """Return the translated body with the same edits."""
        body = self._chat_quirks.editor(model).edit_body(rendered.body, stream=stream)
        return Rendered(body=body, dropped=rendered.dropped)
