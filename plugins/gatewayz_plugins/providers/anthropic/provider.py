"""Requests to `/messages` and `/models`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.dialect import Rendered
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.quirks import FieldEditor
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, CallContext, Format, Headers, HttpRequest, WireCall, split_url
from gatewayz_plugins.providers.anthropic.settings import AnthropicSettings

__all__ = ["AnthropicProvider"]

_VERSION: Final = b"anthropic-version"
_BETA: Final = b"anthropic-beta"
_MAX_PAGES: Final = 20
_ERRORS: Final = (
    ErrorRule(error="auth_failed", status=400, contains="credit balance is too low"),
    ErrorRule(error="rejected", status=413),
)
"""Source: docs.anthropic.com/en/api/errors, 2026-10."""


class _Model(msgspec.Struct, frozen=True):
    id: str
    display_name: str | None = None
    created_at: datetime | None = None


class _Page(msgspec.Struct, frozen=True):
    data: list[_Model] = []
    has_more: bool = False
    last_id: str | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


class AnthropicProvider(HttpProvider):
    """An upstream that takes Anthropic's messages."""

    def __init__(self, settings: AnthropicSettings, context: PluginContext) -> None:
        keys = labelled(settings.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(
                formats=frozenset({ANTHROPIC_MESSAGES}),
                credentials=tuple(keys) or ("default",),
                model_ids=settings.model_ids,
            ),
            {ANTHROPIC_MESSAGES: ANTHROPIC_MESSAGES_DIALECT},
            unsupported=settings.unsupported,
            rules=_ERRORS,
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._origin, base = split_url(settings.base_url)
        self._messages = f"{base}/messages".encode()
        self._models = f"{base}/models?limit=1000".encode()
        in_bearer = settings.auth == "bearer"
        self._headers = HeaderSets(
            settings.headers,
            keys,
            header="authorization" if in_bearer else "x-api-key",
            scheme="Bearer " if in_bearer else "",
        )
        self._version = settings.version.encode()
        self._betas = [beta.encode() for beta in settings.betas]
        self._own: Headers = self._protocol_headers(())
        self._editor = FieldEditor(settings.quirks, asks_usage=False)

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call with the caller's version and betas, where it named any."""
        protocol = self._protocol_headers(context.headers) if context.headers else self._own
        headers = (*self._headers.of(context.credential), *protocol)
        return HttpRequest(origin=self._origin, target=self._messages, headers=headers, body=body)

    def edit_fields(self, call: WireCall) -> dict[str, msgspec.Raw]:
        """Return the call's members with model and quirks of this upstream."""
        return self._editor.edit(super().edit_fields(call), stream=call.stream)

    def edit_rendered(self, format: Format, model: str, rendered: Rendered, *, stream: bool) -> Rendered:
        """Return the translated body with the same edits."""
        body = self._editor.edit_body(rendered.body, stream=stream)
        return rendered if body is rendered.body else Rendered(body=body, dropped=rendered.dropped)

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the upstream's own list, all pages of it. Raises UpstreamError."""
        found: list[ModelListing] = []
        target = self._models
        for _ in range(_MAX_PAGES):
            request = HttpRequest(
                origin=self._origin, target=target, headers=(*self._headers.first, *self._own), method=b"GET"
            )
            page = await self.get_json(request, _PAGE)
            found.extend(
                ModelListing(
                    id=model.id,
                    name=model.display_name,
                    created=int(model.created_at.timestamp()) if model.created_at else None,
                )
                for model in page.data
            )
            if not page.has_more or not page.last_id or not page.last_id.replace("-", "").replace(".", "").isalnum():
                break
            target = self._models + b"&after_id=" + page.last_id.encode()
        return found

    def _protocol_headers(self, given: Headers) -> Headers:
        """Return the format's own headers: the caller's version or ours, our betas and the caller's."""
        version = next((value for name, value in given if name == _VERSION), self._version)
        betas = self._betas + [value for name, value in given if name == _BETA]
        lines = ((_VERSION, version),)
        return (*lines, (_BETA, b",".join(betas))) if betas else lines
