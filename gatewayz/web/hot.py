"""The front of the inference routes: plain ASGI below Quart's request handling.

Every other request goes on to the application behind. The same pipeline serves both real clients
and tests; this file only turns HTTP into an `Inbound` and a `Reply` into HTTP.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from gatewayz.dialects.formats import KEYED_FORMATS
from gatewayz.domain.idempotency.idempotency import claim_key
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.identity.restrictions import check_restrictions
from gatewayz.flow.converse import session_of_query
from gatewayz.flow.edition import Edition
from gatewayz.flow.gateway import Gateway
from gatewayz.flow.once import answer_once
from gatewayz.flow.pipeline import answer
from gatewayz.flow.values import Inbound, Reply, ReplyBody
from gatewayz.sdk.errors import AuthenticationFailed, GatewayzError, ServerOverloaded
from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_RESPONSES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTIONS,
    Format,
)
from gatewayz.telemetry.logs import REQUEST_ID
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.web.asgi import ASGI, Receive, Scope, Send
from gatewayz.web.audio_forms import read_upload
from gatewayz.web.bodies import check_json_headers, read_body
from gatewayz.web.calling_app import calling_app
from gatewayz.web.client_address import ClientAddresses
from gatewayz.web.cors import Cors
from gatewayz.web.errors import InternalError
from gatewayz.web.exchange import Exchange, KeepAlive
from gatewayz.web.hangup import HangUp
from gatewayz.web.json_depth import check_json_depth
from gatewayz.web.network import known_caller, note_outcome
from gatewayz.web.request_head import RequestHead, read_head
from gatewayz.web.spool import Spool

__all__ = ["HOT_ROUTES", "HotFront"]

_log = logging.getLogger("gatewayz.web")
_LEFT: Final = 499
"""Counted for a caller that left before an answer began."""

_PATHS: Final[Mapping[str, Format]] = {
    "/chat/completions": OPENAI_CHAT,
    "/completions": OPENAI_COMPLETIONS,
    "/responses": OPENAI_RESPONSES,
    "/embeddings": OPENAI_EMBEDDINGS,
    "/images/generations": OPENAI_IMAGES,
    "/audio/transcriptions": OPENAI_TRANSCRIPTIONS,
    "/audio/transcriptions/base64": OPENAI_TRANSCRIPTIONS,
    "/audio/speech": OPENAI_SPEECH,
    "/messages": ANTHROPIC_MESSAGES,
}
HOT_ROUTES: Final[Mapping[str, Format]] = {
    prefix + path: format for path, format in _PATHS.items() for prefix in ("/v1", "/v1/v1")
}
"""Path to caller format; `/v1/v1` is what SDKs ask for whose base URL was given with `/v1`."""


class HotFront:
    """Serves `HOT_ROUTES` itself, passes everything else on.

    :param keep_alive: writes into streams that have been silent for too long.
    :param requests: counts what is answered.
    """

    def __init__(self, behind: ASGI, gateway: Gateway, keep_alive: KeepAlive, requests: RequestRecord) -> None:
        self._behind = behind
        self._gateway = gateway
        self._keep_alive = keep_alive
        self._requests = requests
        self._addresses: tuple[Edition | None, ClientAddresses, Cors] = (None, ClientAddresses(()), Cors(()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "http" and scope["method"] == "POST":
            format = HOT_ROUTES.get(scope["path"])
            if format is not None:
                await self._serve(format, scope, receive, send)
                return
        await self._behind(scope, receive, send)

    async def _serve(self, format: Format, scope: Scope, receive: Receive, send: Send) -> None:
        lease = self._gateway.acquire()
        edition = lease.edition
        head = read_head(scope["headers"])
        _, addresses, cors = self._for_edition(edition)
        exchange = Exchange(send, format, head.request_id, edition.clock, cors.headers(head.origin))
        edition = _observed(edition, scope, exchange)
        hang_up = HangUp(scope, receive)
        requests = self._requests
        requests.in_progress += 1
        requests.working += 1
        is_counted = True
        recording: Spool | None = None
        try:
            _check_room(requests, edition)
            address = addresses.resolve((scope.get("client") or ("",))[0], head.forwarded_for)
            caller = await known_caller(head.credential, address, scope["headers"], edition)
            _check_key(format, caller, address, head.referrer)
            body, recording = await _read_call(scope["path"], receive, head, edition)
            hang_up.watch()
            self._keep_alive.add(exchange, edition, body)
            inbound = _inbound(scope, head, exchange, address, body=body, recording=recording)
            reply = await self._answer(inbound, caller, edition, head)
            note_outcome(edition)
            if isinstance(reply.body, bytes):
                await exchange.send_whole(reply, reply.body)
                return
            requests.working -= 1
            is_counted = False
            await _stream(exchange, reply, reply.body)
        except GatewayzError as error:
            note_outcome(edition, error)
            await exchange.send_error(error)
        except OSError:
            return  # the client is gone; what it was owed has been settled
        except asyncio.CancelledError:
            if not hang_up.has_happened:
                raise
        except Exception:  # noqa: BLE001  the request boundary: nothing may leave without an answer
            _log.exception("request %s failed", head.request_id)
            note_outcome(edition, InternalError())
            await exchange.send_error(InternalError())
        finally:
            requests.working -= is_counted
            self._count(scope["path"], exchange, edition.clock.monotonic())
            self._keep_alive.remove(exchange)
            hang_up.forget()
            lease.release()
            if recording is not None:
                recording.close()

    def _count(self, path: str, exchange: Exchange, ended: float) -> None:
        self._requests.in_progress -= 1
        self._requests.record("POST", path, exchange.status or _LEFT, ended - exchange.started)

    async def _answer(self, inbound: Inbound, caller: Caller, edition: Edition, head: RequestHead) -> Reply:
        idempotency = edition.idempotency
        if not (head.is_caller_id or head.idempotency_key) or idempotency is None or caller.user_id is None:
            return await answer(inbound, caller, edition)
        return await answer_once(
            inbound, caller, edition, idempotency, claim_key(head.idempotency_key, head.request_id)
        )

    def _for_edition(self, edition: Edition) -> tuple[Edition | None, ClientAddresses, Cors]:
        if self._addresses[0] is not edition:
            settings = edition.settings
            self._addresses = (
                edition,
                ClientAddresses(settings.server.trusted_proxies),
                Cors(settings.access.cors_origins),
            )
        return self._addresses


def _observed(edition: Edition, scope: Scope, exchange: Exchange) -> Edition:
    """Name the request to the log and, where tracing is on, return the edition that reports to its trace."""
    REQUEST_ID.set(exchange.request_id)
    if edition.tracing is None:
        return edition
    from gatewayz.flow.traced import trace_request  # noqa: PLC0415  (only where tracing is on)

    method, path = scope["method"], scope["path"]
    trace = edition.tracing.begin(scope["headers"], method=method, path=path, request_id=exchange.request_id)
    return edition if trace is None else trace_request(edition, trace, lambda: exchange.status)


def _check_key(format: Format, caller: Caller, address: str, referrer: str | None) -> None:
    if format in KEYED_FORMATS and caller.is_anonymous:
        raise AuthenticationFailed("This needs an API key.", code="API_KEY_MISSING")
    if caller.is_restricted():
        check_restrictions(caller, address, referrer)


def _check_room(requests: RequestRecord, edition: Edition) -> None:
    if requests.working > edition.settings.server.max_concurrent_requests:
        requests.refused += 1
        raise ServerOverloaded("The gateway has more work than it can take on.", retry_after_s=5)


async def _read_call(path: str, receive: Receive, head: RequestHead, edition: Edition) -> tuple[bytes, Spool | None]:
    """Return a call as JSON, and the sound that came with it."""
    if HOT_ROUTES[path] != OPENAI_TRANSCRIPTIONS:
        check_json_headers(head)
        body = await read_body(receive, head.content_length, edition.settings.server.max_body_bytes)
        check_json_depth(body, edition.settings.server.max_json_depth)
        return body, None
    settings = edition.settings
    in_text, max_json_depth = path.endswith("/base64"), settings.server.max_json_depth
    upload = await read_upload(receive, head, settings.audio, in_text=in_text, max_json_depth=max_json_depth)
    return upload.body, upload.recording


def _inbound(
    scope: Scope, head: RequestHead, exchange: Exchange, address: str, *, body: bytes, recording: Spool | None
) -> Inbound:
    return Inbound(
        format=exchange.format,
        body=body,
        request_id=head.booking_id,
        started=exchange.started,
        headers=head.format_headers,
        client_address=address,
        cache_control=head.cache_control,
        app=calling_app(head.app_title, head.app_url),
        session_id=session_of_query(query) if (query := scope.get("query_string")) else None,
        recording=recording,
    )


async def _stream(exchange: Exchange, reply: Reply, body: ReplyBody) -> None:
    try:
        async for block in body:
            await exchange.send_block(reply, block)
        await exchange.end()
    finally:
        await body.aclose()
