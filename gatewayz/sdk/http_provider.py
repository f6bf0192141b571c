"""A base for providers that speak HTTP: the author supplies requests, dialects and an error table.

A subclass overrides `build_request` (URL and credentials) and little else. `dialects` maps each
wire format the upstream takes to its pure functions; formats named in `capabilities.formats` are
also relayed byte for byte by `exchange`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered, Unsupported, UpstreamDialect
from gatewayz.sdk.errors import (
    ContentFiltered,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.wire import CallContext, Format, Headers, HttpClient, HttpReply, HttpRequest, WireCall

__all__ = ["ERROR_BODY_LIMIT", "REPLY_LIMIT", "HttpProvider", "error_from_status", "error_message", "retry_after"]

ERROR_BODY_LIMIT = 64 * 1024
REPLY_LIMIT = 64 * 1024 * 1024


class HttpProvider:
    """Answers by HTTP. Subclasses set `chat_format` and override `build_request`."""

    chat_format: ClassVar[Format]
    """Format that `complete` and `stream` use."""

    def __init__(
        self,
        http: HttpClient,
        capabilities: Capabilities,
        dialects: Mapping[Format, UpstreamDialect],
        *,
        unsupported: Unsupported = "default",
    ) -> None:
        self._http = http
        self._capabilities = capabilities
        self._dialects = dialects
        self._unsupported = unsupported

    @property
    def capabilities(self) -> Capabilities:
        """What this instance promises."""
        return self._capabilities

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the signed request for a body in `format`. May await, e.g. for a fresh access token."""
        raise TypeError(f"{type(self).__name__} does not override build_request")

    def edit_fields(self, call: WireCall) -> Mapping[str, msgspec.Raw]:
        """Return the members to send for a same-format call; the place for a vendor's quirks."""
        return {**call.fields, "model": msgspec.Raw(msgspec.json.encode(call.model))}

    def edit_rendered(self, format: Format, rendered: Rendered) -> Rendered:
        """Return the body to send for a translated call; likewise."""
        return rendered

    def error_from_reply(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """Return the error of a non-2xx answer. Override to read a vendor's own codes first."""
        return error_from_status(status, headers, body)

    async def exchange(self, call: WireCall, context: CallContext) -> HttpReply:
        """Send a same-format call. See `WireProvider.exchange`."""
        body = msgspec.json.encode(self.edit_fields(call))
        return await self._send(call.format, call.model, body, call.stream, context)

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        """Answer at once, by the chat format's dialect."""
        dialect, rendered = self._render(call)
        reply = await self._send(dialect.format, call.model, rendered.body, False, context)
        try:
            completion = dialect.parse_completion(await reply.read_all(REPLY_LIMIT))
        finally:
            reply.close()
        return msgspec.structs.replace(completion, dropped=rendered.dropped)

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        """Answer as events, by the chat format's dialect."""
        dialect, rendered = self._render(call)
        reply = await self._send(dialect.format, call.model, rendered.body, True, context)
        parser = dialect.event_parser()
        try:
            while data := await reply.read():
                for event in parser.feed(data):
                    yield event
            for event in parser.finish():
                yield event
        finally:
            reply.close()

    def dropped_by(self, call: ModelCall) -> tuple[str, ...]:
        """Names of parameters this provider's format cannot carry. Raises UnsupportedFeature as sending would."""
        return self._render(call)[1].dropped

    async def list_models(self) -> Sequence[ModelListing]:
        """No list by default."""
        return ()

    async def aclose(self) -> None:
        """Nothing to close: connections belong to the shared client."""

    def _render(self, call: ModelCall) -> tuple[UpstreamDialect, Rendered]:
        dialect = self._dialects[self.chat_format]
        rendered = dialect.render_call(call, model=call.model, losses=Losses(self._unsupported))
        return dialect, self.edit_rendered(dialect.format, rendered)

    async def _send(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpReply:
        request = await self.build_request(format, model, body, stream, context)
        reply = await self._http.send(request, context.timeouts)
        if 200 <= reply.status < 300:
            _refuse_encoded(reply)
            return reply
        try:
            answer = await reply.read_all(ERROR_BODY_LIMIT)
        except UpstreamBroken:
            answer = b""  # the status alone decides; a broken error body adds nothing
        finally:
            reply.close()
        raise self.error_from_reply(reply.status, reply.headers, answer)


def error_from_status(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Return the error class that an HTTP status stands for, with the provider's own message when it is safe to show.

    Source: spec 00 §10 (which statuses move on), §11 (which count as faults).
    """
    message = error_message(body)
    if status == 429:
        return UpstreamRateLimited(
            message or "the provider's rate limit is reached",
            provider_status=status,
            retry_after_s=retry_after(headers),
        )
    if status in (401, 402, 403):
        return UpstreamAuthFailed("the provider refused the gateway's credential", provider_status=status)
    if status == 404:
        return UpstreamModelMissing(message or "the provider does not serve this model", provider_status=status)
    if status in (503, 529):
        return UpstreamOverloaded("the provider is overloaded", provider_status=status, retry_after_s=retry_after(headers))
    if status in (408, 409, 425) or status >= 500 or status < 400:
        return UpstreamBroken(f"the provider answered with status {status}", provider_status=status)
    lowered = body[:ERROR_BODY_LIMIT].lower()
    if b"content_filter" in lowered or b"content_policy" in lowered:
        return ContentFiltered(message or "the provider's content filter refused the request", provider_status=status)
    return UpstreamRejected(message or "the provider rejected the request", provider_status=status)


class _Inner(msgspec.Struct):
    message: str | None = None


class _ErrorBody(msgspec.Struct):
    error: _Inner | str | None = None
    message: str | None = None


def error_message(body: bytes) -> str | None:
    """Return the message of a JSON error body in any of the usual shapes, at most 500 characters; None for HTML and junk."""
    try:
        decoded = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(decoded.error, _Inner):
        text = decoded.error.message
    else:
        text = decoded.error or decoded.message
    return text[:500] if text else None


def retry_after(headers: Headers) -> float | None:
    """Return the seconds of `retry-after-ms` or `retry-after` (delay form), at most one hour."""
    found: dict[bytes, bytes] = dict(headers)
    for name, divisor in ((b"retry-after-ms", 1000.0), (b"retry-after", 1.0)):
        try:
            seconds = float(found[name]) / divisor
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, 3600.0)
    return None


def _refuse_encoded(reply: HttpReply) -> None:
    for name, value in reply.headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            reply.close()
            raise UpstreamBroken("the provider sent a compressed body although identity was asked for")
