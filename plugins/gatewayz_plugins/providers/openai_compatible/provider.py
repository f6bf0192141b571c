"""Requests to an OpenAI-compatible upstream; everything vendor-specific comes from settings."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT
from gatewayz.dialects.openai_audio import OPENAI_SPEECH_DIALECT, form_fields, parse_transcription
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.sdk.audio import SpeechCall, Transcription, TranscriptionCall
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.credentials import labelled
from gatewayz.sdk.dialect import Rendered, UpstreamDialect
from gatewayz.sdk.errors import ConfigurationError, UpstreamError
from gatewayz.sdk.headers import HeaderSets
from gatewayz.sdk.http_provider import REPLY_LIMIT, HttpProvider
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.multipart import MultipartBody
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.quirks import Quirks, QuirkTable
from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_RESPONSES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTIONS,
    CallContext,
    Format,
    HttpRequest,
    WireCall,
    split_url,
)
from gatewayz_plugins.providers.openai_compatible.listing import LISTING_DECODER, listings
from gatewayz_plugins.providers.openai_compatible.settings import DEFAULT_PATHS, OpenAICompatibleSettings
from gatewayz_plugins.providers.openai_compatible.sound import ArrivingSound

__all__ = ["OpenAICompatibleProvider"]

_CHAT_DIALECTS: Final[Mapping[Format, UpstreamDialect]] = {
    OPENAI_CHAT: OPENAI_CHAT_DIALECT,
    OPENAI_RESPONSES: OPENAI_RESPONSES_DIALECT,
    ANTHROPIC_MESSAGES: ANTHROPIC_MESSAGES_DIALECT,
}
"""In order of preference for translated calls."""
_SOUND: Final = frozenset({OPENAI_TRANSCRIPTIONS, OPENAI_SPEECH})
_ASKING_USAGE: Final = frozenset({OPENAI_CHAT, OPENAI_COMPLETIONS})


class OpenAICompatibleProvider(HttpProvider):
    """An upstream under a base URL, with a key in a header."""

    def __init__(self, settings: OpenAICompatibleSettings, context: PluginContext) -> None:
        formats = [Format(name) for name in settings.formats]
        dialects = {format: dialect for format, dialect in _CHAT_DIALECTS.items() if format in formats}
        endpoint = settings.endpoint
        if not endpoint.base_url:
            raise ConfigurationError("base_url is empty")
        keys = {} if settings.auth == "none" else labelled(endpoint.api_key, settings.api_keys)
        super().__init__(
            context.http,
            Capabilities(
                formats=frozenset(formats) - _SOUND,
                chat=bool(dialects),
                embeddings=OPENAI_EMBEDDINGS in formats,
                images=OPENAI_IMAGES in formats,
                transcription=OPENAI_TRANSCRIPTIONS in formats,
                speech=OPENAI_SPEECH in formats,
                credentials=tuple(keys) or ("default",),
                model_ids=settings.model_ids,
            ),
            dialects,
            unsupported=settings.unsupported,
            rules=settings.errors,
            timeouts=settings.timeouts,
            secrets=keys.values(),
        )
        self._settings = settings
        self._context = context
        self._origin, self._base = split_url(endpoint.base_url)
        self._targets = {format: self._target(_path(settings, format)) for format in {*formats, *_SOUND}}
        in_bearer = settings.auth == "bearer"
        self._headers = HeaderSets(
            settings.headers,
            keys,
            header="authorization" if in_bearer else settings.auth_header,
            scheme="Bearer " if in_bearer else "",
        )
        self._quirks = {format: _quirks(settings, format) for format in formats}

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the call, its key chosen by the context's label."""
        headers = self._headers.of(context.credential)
        if context.headers and format == ANTHROPIC_MESSAGES:
            headers = (*headers, *context.headers)
        return HttpRequest(origin=self._origin, target=self._targets[format], headers=headers, body=body)

    def edit_fields(self, call: WireCall) -> dict[str, msgspec.Raw]:
        """Return the call's members with model, usage option and quirks of this upstream."""
        fields = super().edit_fields(call)
        return self._quirks[call.format].editor(call.model).edit(fields, stream=call.stream)

    def edit_rendered(self, format: Format, model: str, rendered: Rendered, *, stream: bool) -> Rendered:
        """Return the translated body with the same edits."""
        body = self._quirks[format].editor(model).edit_body(rendered.body, stream=stream)
        return rendered if body is rendered.body else Rendered(body=body, dropped=rendered.dropped)

    async def transcribe(self, call: TranscriptionCall, context: CallContext) -> Transcription:
        """Send a recording as a form, from its file, and return what was said. Raises UpstreamError."""
        recording = call.recording
        form = MultipartBody(form_fields(call), ("file", recording.name, recording.media_type, recording))
        kept = [line for line in self._headers.of(context.credential) if line[0] != b"content-type"]
        request = HttpRequest(
            origin=self._origin,
            target=self._targets[OPENAI_TRANSCRIPTIONS],
            headers=(*kept, (b"content-type", form.content_type)),
            upload=form,
        )
        reply = await self._exchange(request, context.timeouts)
        try:
            return parse_transcription(await reply.read_all(REPLY_LIMIT))
        except UpstreamError as error:
            raise self._redactor.redact(error) from None
        finally:
            reply.close()

    async def speak(self, call: SpeechCall, context: CallContext) -> ArrivingSound:
        """Return the sound as it arrives. Raises UpstreamError."""
        body = OPENAI_SPEECH_DIALECT.render_call(call, model=call.model)
        return ArrivingSound(await self._send(OPENAI_SPEECH, call.model, body, True, context), call.response_format)

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the upstream's own list. Raises UpstreamError."""
        listing = self._settings.listing
        if listing is None:
            return ()
        request = HttpRequest(
            origin=self._origin,
            target=self._target(listing.path),
            headers=self._headers.first,
            method=b"GET",
        )
        answer = await self.get_json(request, LISTING_DECODER)
        return listings(
            answer,
            listing.prices,
            source=f"{self._context.instance}{listing.path}",
            date=self._context.clock.now().date().isoformat(),
        )

    def _target(self, path: str) -> bytes:
        query = urlencode(self._settings.query)
        return f"{self._base}{path}{'?' + query if query else ''}".encode()


def _path(settings: OpenAICompatibleSettings, format: Format) -> str:
    for name, path in settings.paths.items():
        if name == format:
            return path
    return DEFAULT_PATHS[format]


def _quirks(settings: OpenAICompatibleSettings, format: Format) -> QuirkTable:
    asks_usage = format in _ASKING_USAGE
    if format == OPENAI_CHAT:
        return QuirkTable(settings.quirks, settings.model_quirks, asks_usage=asks_usage)
    others = (quirks for name, quirks in settings.format_quirks.items() if name == format)
    return QuirkTable(next(others, Quirks()), {}, asks_usage=asks_usage)
