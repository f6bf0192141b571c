"""Serve an application in this process: `run` for a program, `serve` inside a loop that is already there."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from gatewayz.config.sections.serving import Server
from gatewayz.server.asgi import ASGI3
from gatewayz.server.http1 import Http1Connection
from gatewayz.server.lifespan import Lifespan
from gatewayz.server.service import Service
from gatewayz.server.sockets import Bound, bind_sockets, list_addresses, raise_file_limit

__all__ = ["Ready", "new_loop", "run", "serve"]

_logger = logging.getLogger(__name__)

Ready = Callable[[Bound], None]
"""Called once with the addresses bound, when requests are answered."""

_START_S: Final = 60.0
_SETTLE_S: Final = 5.0
"""What requests cut off after the graceful time-out get to put their books in order."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


async def serve(
    app: ASGI3,
    settings: Server,
    *,
    shutdown: asyncio.Event | None = None,
    ready: Ready | None = None,
    sockets: Sequence[socket.socket] | None = None,
) -> None:
    """Serve until `shutdown` is set, or without one until SIGTERM or SIGINT, then let running requests finish.

    A second signal cuts them off. Given `sockets` are used and closed instead of binding.

    Raises:
        OSError: the address cannot be bound.
        LifespanError: the application could not start.
    """
    listening = list(sockets) if sockets is not None else bind_sockets(settings.host, settings.port)
    stop, force = shutdown or asyncio.Event(), asyncio.Event()
    restore = _listen_to_signals(stop, force) if shutdown is None else None
    try:
        if settings.fast_http and not settings.http2:
            await _serve_fast(app, settings, listening, stop=stop, force=force, ready=ready)
        else:
            await _serve_stock(app, settings, listening, stop=stop, force=force, ready=ready)
    finally:
        if restore is not None:
            restore()
        for sock in listening:
            sock.close()


async def _serve_fast(
    app: ASGI3,
    settings: Server,
    sockets: Sequence[socket.socket],
    *,
    stop: asyncio.Event,
    force: asyncio.Event,
    ready: Ready | None,
) -> None:
    state: dict[str, Any] = {}
    lifespan = Lifespan(app, state)
    await lifespan.start(_START_S)
    loop = asyncio.get_running_loop()
    service = Service(app, settings, loop, state)
    servers: list[asyncio.Server] = []
    try:
        for sock in sockets:
            servers.append(
                await loop.create_server(partial(Http1Connection, service), sock=sock, backlog=settings.backlog)
            )
        service.start()
        if ready is not None:
            ready(list_addresses(sockets))
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        await _drain(service, settings.graceful_timeout_s, force)
        await service.stop(_SETTLE_S)
        await lifespan.stop(_START_S)


async def _drain(service: Service, timeout_s: float, force: asyncio.Event) -> None:
    draining = asyncio.ensure_future(service.drain(timeout_s))
    forcing = asyncio.ensure_future(force.wait())
    try:
        await asyncio.wait({draining, forcing}, return_when=asyncio.FIRST_COMPLETED)
        if not draining.done() or not draining.result():
            _logger.warning("%d requests are cut off", len(service.running))
    finally:
        draining.cancel()
        forcing.cancel()


async def _serve_stock(
    app: ASGI3,
    settings: Server,
    sockets: Sequence[socket.socket],
    *,
    stop: asyncio.Event,
    force: asyncio.Event,
    ready: Ready | None,
) -> None:
    from gatewayz.server.stock import serve_stock  # noqa: PLC0415 - only then is Hypercorn imported

    reason = "http2 is on" if settings.http2 else "fast_http is off"
    _logger.info("serving by stock Hypercorn because %s", reason)
    addresses = list_addresses(sockets)

    def tell() -> None:
        if ready is not None:
            ready(addresses)

    await serve_stock(app, settings, sockets, stop=stop, force=force, on_started=tell)


def _listen_to_signals(stop: asyncio.Event, force: asyncio.Event) -> Callable[[], None]:
    """Set `stop` at the first signal and `force` at the next; return how to undo it."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            force.set()
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)

    def restore() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    return restore


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop where it can be imported, otherwise asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(
    app: ASGI3,
    settings: Server,
    *,
    ready: Ready | None = None,
    sockets: Sequence[socket.socket] | None = None,
) -> None:
    """Serve in this process, on the fastest loop there is, until a signal says to stop."""
    raise_file_limit()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(app, settings, ready=ready, sockets=sockets))
