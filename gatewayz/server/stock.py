"""Stock Hypercorn as the server, held to the same rules: for HTTP/2, and for whoever switches our protocol off.

What Hypercorn accepts and we refuse is judged on the scope it makes, by `Guard`. Requests that its own
parser has already repaired (a repeated Content-Length of one value) cannot be told apart there.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from gatewayz.config.sections.serving import Server
from gatewayz.server.access import AccessLog, AccessRecord, request_id_of
from gatewayz.server.asgi import ASGI3, HANGUP, Message, Receive, Scope, Send
from gatewayz.server.framing import METHODS, HostRule, read_framing
from gatewayz.server.lifespan import LifespanError
from gatewayz.server.refusal import Refusal, render_refusal

__all__ = ["Guard", "PumpedHangup", "serve_stock"]

_logger = logging.getLogger(__name__)
_JSON: Final = (b"content-type", b"application/json")
_METHOD_NAMES: Final = frozenset(METHODS.values())
_CLOSE_S: Final = 5.0
"""What Hypercorn may take over closing after the graceful time-out."""


class PumpedHangup:
    """A `Hangup` fed by a task that waits for `http.disconnect` once the body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._callback: Callable[[], None] | None = None
        self._watch: asyncio.Task[Message] | None = None
        self._complete = False

    def subscribe(self, callback: Callable[[], None]) -> None:
        """See `Hangup.subscribe`."""
        if self._watch is not None and self._watch.done() and not self._watch.cancelled():
            callback()
        else:
            self._callback = callback

    def unsubscribe(self) -> None:
        """See `Hangup.unsubscribe`."""
        self._callback = None

    async def receive(self) -> Message:
        """Receive for the application, starting the watch behind the last part of the body."""
        if self._watch is not None:
            return await asyncio.shield(self._watch)
        message = await self._receive()
        if not message.get("more_body", False) and self._watch is None:
            self._watch = asyncio.ensure_future(self._receive())
            self._watch.add_done_callback(self._tell)
        return message

    def complete(self) -> None:
        """The answer is complete: nobody hangs up any more."""
        self._complete = True
        self._callback = None

    def stop(self) -> None:
        """End the watch with the request."""
        self.complete()
        if self._watch is not None:
            self._watch.cancel()

    def _tell(self, watch: asyncio.Task[Message]) -> None:
        callback, self._callback = self._callback, None
        if callback is not None and not watch.cancelled() and not self._complete:
            callback()


class Guard:
    """Refuses on the scope what our own protocol refuses on the wire, and adds the hang-up extension."""

    def __init__(
        self, app: ASGI3, settings: Server, on_started: Callable[[], None], access_log: AccessLog | None = None
    ) -> None:
        self._app = app
        self._access_log = access_log
        self._http2 = settings.http2
        self._hosts = HostRule(settings.allowed_hosts)
        self._on_started = on_started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._start(scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1002})
        else:
            await self._serve(scope, receive, send)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = False

        def tell() -> None:
            nonlocal told
            if not told:
                told = True
                self._on_started()

        async def watched(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                tell()

        try:
            await self._app(scope, receive, watched)
        except Exception:
            tell()  # an application without a lifespan is served all the same
            raise

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_s = asyncio.get_running_loop().time()
        hangup = PumpedHangup(receive)
        status = sent_bytes = 0
        request_id = ""

        async def watched(message: Message) -> None:
            nonlocal status, sent_bytes, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = request_id_of(message.get("headers", ()))
            elif message["type"] == "http.response.body":
                sent_bytes += len(message.get("body", b""))
                if not message.get("more_body", False):
                    hangup.complete()  # before it is sent: Hypercorn may close, and say so, while it sends
            await send(message)

        scope["extensions"] = {**(scope.get("extensions") or {}), HANGUP: hangup}
        try:
            self._check(scope)
            await self._app(scope, hangup.receive, watched)
        except Refusal as refusal:
            await _answer_refusal(refusal, scope, watched)
        finally:
            hangup.stop()
            if self._access_log is not None:
                self._access_log.add(_record(scope, status, sent_bytes, started_s, request_id))

    def _check(self, scope: Scope) -> None:
        version = scope["http_version"]
        if version not in ("1.0", "1.1") and not (version == "2" and self._http2):
            raise Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        if scope["method"] == "CONNECT":
            raise Refusal(405, "CONNECT is not allowed.")
        if scope["method"] not in _METHOD_NAMES:
            raise Refusal(501, "The request method is not known.")
        if version == "2":
            return  # :authority is part of what Hypercorn has checked
        self._hosts.check(read_framing(scope["headers"], version).host, version)


def _record(scope: Scope, status: int, sent_bytes: int, started_s: float, request_id: str) -> AccessRecord:
    client: Any = scope.get("client")
    return AccessRecord(
        client[0] if client else "-",
        scope["method"],
        scope.get("raw_path") or b"-",
        status,
        sent_bytes,
        asyncio.get_running_loop().time() - started_s,
        request_id,
    )


async def _answer_refusal(refusal: Refusal, scope: Scope, send: Send) -> None:
    body = render_refusal(refusal)
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    if scope["http_version"] != "2":
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve_stock(
    app: ASGI3,
    settings: Server,
    sockets: Sequence[socket.socket],
    *,
    stop: asyncio.Event,
    force: asyncio.Event,
    on_started: Callable[[], None],
) -> None:
    """Serve by Hypercorn until `stop`, then let running requests finish until `force` or the graceful time-out.

    Raises:
        LifespanError: the application could not start.
    """
    from hypercorn.asyncio import serve as hypercorn_serve  # noqa: PLC0415 - 0.1 s of imports the fast path does without
    from hypercorn.config import Config  # noqa: PLC0415
    from hypercorn.utils import LifespanFailureError, LifespanTimeoutError  # noqa: PLC0415

    from gatewayz.server.http2 import use_bounded_http2  # noqa: PLC0415

    use_bounded_http2()
    for sock in sockets:
        sock.listen(settings.backlog)  # Hypercorn says nothing when it has begun: from here on, clients may come
    access_log = AccessLog(asyncio.get_running_loop()) if settings.access_log else None
    config = Config()
    config.bind = [f"fd://{sock.detach()}" for sock in sockets]  # Hypercorn owns them from here
    config.backlog = settings.backlog
    config.keep_alive_timeout = settings.keep_alive_s
    config.graceful_timeout = settings.graceful_timeout_s
    config.h11_max_incomplete_size = settings.max_header_bytes
    config.h2_max_header_list_size = settings.max_header_bytes
    config.include_server_header = False
    config.errorlog = logging.getLogger("gatewayz.server.hypercorn")
    config.accesslog = None  # it writes the decoded path, line feeds and all: ours is used
    config.loglevel = "WARNING"
    guarded = Guard(app, settings, on_started, access_log)
    serving = asyncio.ensure_future(hypercorn_serve(cast("Any", guarded), config, shutdown_trigger=stop.wait))
    stopping = asyncio.ensure_future(stop.wait())
    forcing = asyncio.ensure_future(force.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # From Python 3.12 on, Hypercorn waits for its connections without a limit before it applies its own.
        await asyncio.wait(
            {serving, forcing},
            timeout=settings.graceful_timeout_s + _CLOSE_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if serving.done():
            serving.result()
        else:
            _logger.warning("running requests are cut off")
    except (LifespanFailureError, LifespanTimeoutError) as error:
        raise LifespanError(str(error)) from error
    finally:
        stopping.cancel()
        forcing.cancel()
        serving.cancel()
        await asyncio.wait({serving})
        if access_log is not None:
            await access_log.flush()
