"""A base for providers that speak HTTP: the author supplies requests, dialects and an error table.

A subclass overrides `build_request` (URL and credentials) and little else. `dialects` maps each
wire format the upstream takes to its pure functions; formats named in `capabilities.formats` are
also relayed byte for byte by `exchange`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.credentials import Redactor
from gatewayz.sdk.dialect import Losses, Rendered, Unsupported, UpstreamDialect
from gatewayz.sdk.error_rules import ErrorRule, error_from_reply, error_from_status, error_message, retry_after
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken, UpstreamError
from gatewayz.sdk.events import events_of
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import (
    DEFAULT_TIMEOUTS,
    CallContext,
    Format,
    Headers,
    HttpClient,
    HttpReply,
    HttpRequest,
    Timeouts,
    WireCall,
)

__all__ = [
    "ERROR_BODY_LIMIT",
    "REPLY_LIMIT",
    "HttpProvider",
    "TimeoutOverrides",
    "error_from_status",
    "error_message",
    "retry_after",
]

ERROR_BODY_LIMIT: Final = 64 * 1024
REPLY_LIMIT: Final = 64 * 1024 * 1024

T = TypeVar("T")


class TimeoutOverrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one provider where they differ from the gateway's own, in seconds."""

    connect_s: float | None = None
    first_byte_s: float | None = None
    idle_s: float | None = None
    total_s: float | None = None

    def over(self, timeouts: Timeouts) -> Timeouts:
        """Return the limits with these laid over them."""
        return Timeouts(
            connect_s=timeouts.connect_s if self.connect_s is None else self.connect_s,
            first_byte_s=timeouts.first_byte_s if self.first_byte_s is None else self.first_byte_s,
            idle_s=timeouts.idle_s if self.idle_s is None else self.idle_s,
            total_s=timeouts.total_s if self.total_s is None else self.total_s,
        )


NO_OVERRIDES: Final = TimeoutOverrides()


class HttpProvider:
    """Answers by HTTP. Subclasses override `build_request`.

    :param dialects: pure functions of the formats it speaks; `chat_format` names the one that
        `complete` and `stream` use, the only one by default.
    :param rules: the vendor's own error table, asked before statuses.
    :param secrets: what must never appear in an error message.
    """

    def __init__(
        self,
        http: HttpClient,
        capabilities: Capabilities,
        dialects: Mapping[Format, UpstreamDialect],
        *,
        chat_format: Format | None = None,
        unsupported: Unsupported = "default",
        rules: Sequence[ErrorRule] = (),
        timeouts: TimeoutOverrides = NO_OVERRIDES,
        secrets: Iterable[Secret] = (),
    ) -> None:
        self._http = http
        self._capabilities = capabilities
        self._chat = dialects.get(chat_format or next(iter(dialects), Format("")))
        self._unsupported = unsupported
        self._rules = tuple(rules)
        self._timeouts = timeouts
        self._redactor = Redactor(secrets)

    @property
    def capabilities(self) -> Capabilities:
        """What this instance promises."""
        return self._capabilities

    async def build_request(
        self, format: Format, model: str, body: bytes, stream: bool, context: CallContext
    ) -> HttpRequest:
        """Return the signed request for a body in `format`. May await, e.g. for a fresh access token."""
        raise TypeError(f"{type(self).__name__} does not override build_request")

    def edit_fields(self, call: WireCall) -> dict[str, msgspec.Raw]:
        """Return the members to send for a same-format call; the place for a vendor's quirks."""
        return {**call.fields, "model": msgspec.Raw(msgspec.json.encode(call.model))}

    def edit_rendered(self, format: Format, model: str, rendered: Rendered, *, stream: bool) -> Rendered:
        """Return the body to send for a translated call; likewise."""
        return rendered

    def error_from_reply(self, status: int, headers: Headers, body: bytes) -> UpstreamError:
        """Return the error of a non-2xx answer; override for what a table of rules cannot say."""
        return error_from_reply(self._rules, status, headers, body)

    async def exchange(self, call: WireCall, context: CallContext) -> HttpReply:
        """Send a same-format call. See `WireProvider.exchange`."""
        body = msgspec.json.encode(self.edit_fields(call))
        return await self._send(call.format, call.model, body, call.stream, context)

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        """Answer at once, by the chat format's dialect."""
        dialect, rendered = self._render(call)
        reply = await self._send(dialect.format, call.model, rendered.body, False, context)
        completion = await self._read_completion(dialect, reply)
        return _with_dropped(completion, rendered.dropped)

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        """Answer as events, by the chat format's dialect."""
        dialect, rendered = self._render(call)
        reply = await self._send(dialect.format, call.model, rendered.body, True, context)
        if _is_json(reply.headers):  # an upstream that cannot stream, or an error under status 200
            completion = await self._read_completion(dialect, reply)
            for event in events_of(_with_dropped(completion, rendered.dropped)):
                yield event
            return
        parser = dialect.event_parser()
        try:
            while data := await reply.read():
                for event in parser.feed(data):
                    yield _with_dropped(event, rendered.dropped)
            for event in parser.finish():
                yield event
        except UpstreamError as error:
            raise self._redactor.redact(error) from None
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

    async def get_json(
        self, request: HttpRequest, decoder: msgspec.json.Decoder[T], *, timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> T:
        """Return the decoded answer of a side request, such as a model list. Raises UpstreamError."""
        reply = await self._exchange(request, timeouts)
        try:
            body = await reply.read_all(REPLY_LIMIT)
        finally:
            reply.close()
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise UpstreamBroken("the provider's answer is not of the documented shape") from err

    def _render(self, call: ModelCall) -> tuple[UpstreamDialect, Rendered]:
        dialect = self._chat
        if dialect is None or not self._capabilities.chat:
            raise UnsupportedFeature("this provider does not answer conversations", param="model")
        rendered = dialect.render_call(call, model=call.model, losses=Losses(self._unsupported))
        return dialect, self.edit_rendered(dialect.format, call.model, rendered, stream=call.stream)

    async def _read_completion(self, dialect: UpstreamDialect, reply: HttpReply) -> Completion:
        try:
            return dialect.parse_completion(await reply.read_all(REPLY_LIMIT))
        except UpstreamError as error:
            raise self._redactor.redact(error) from None
        finally:
            reply.close()

    async def _send(self, format: Format, model: str, body: bytes, stream: bool, context: CallContext) -> HttpReply:
        request = await self.build_request(format, model, body, stream, context)
        return await self._exchange(request, context.timeouts)

    async def _exchange(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        if self._timeouts is not NO_OVERRIDES:
            timeouts = self._timeouts.over(timeouts)
        reply = await self._http.send(request, timeouts)
        if 200 <= reply.status < 300:
            _refuse_encoded(reply)
            return reply
        try:
            answer = await reply.read_all(ERROR_BODY_LIMIT)
        except UpstreamError:
            answer = b""  # the status alone decides; a broken or endless error body adds nothing
        finally:
            reply.close()
        raise self._redactor.redact(self.error_from_reply(reply.status, reply.headers, answer))


V = TypeVar("V", bound=msgspec.Struct)


def _with_dropped(value: V, dropped: tuple[str, ...]) -> V:
    """Note on a whole answer, or on the event that starts a stream, what was not sent."""
    if dropped and hasattr(value, "dropped"):
        return msgspec.structs.replace(value, dropped=dropped)
    return value


def _is_json(headers: Headers) -> bool:
    return any(name == b"content-type" and value[:16].lower() == b"application/json" for name, value in headers)


def _refuse_encoded(reply: HttpReply) -> None:
    for name, value in reply.headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            reply.close()
            raise UpstreamBroken("the provider sent a compressed body although identity was asked for")
