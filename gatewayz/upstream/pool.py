"""The connections to one origin: last in, first out, with a fair line when all are in use."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from gatewayz.sdk.errors import UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import Origin
from gatewayz.upstream.connection import Connection
from gatewayz.upstream.limits import Limits
from gatewayz.upstream.resolver import Resolver

__all__ = ["OriginStats", "Pool"]


class OriginStats(msgspec.Struct, frozen=True, kw_only=True):
    """Connections to one origin, as of now."""

    origin: Origin
    open: int
    """Idle, in use, or being opened."""
    idle: int
    in_use: int
    waiting: int
    """Requests in line for a connection."""


class Pool:
    """Everything but `connect` is constant-time."""

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        resolver: Resolver,
        tls: Callable[[], Awaitable[ssl.SSLContext]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.origin = origin
        self._limits = limits
        self._resolver = resolver
        self._tls = tls
        self._loop = loop
        self._idle: dict[Connection, None] = {}
        self._connections: set[Connection] = set()
        self._open = 0
        self._line: OrderedDict[asyncio.Future[Connection | None], None] = OrderedDict()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._emptied = asyncio.Event()

    def take(self) -> Connection | None:
        """Return the idle connection used last, None when there is none or others wait in line."""
        idle = self._idle
        if not idle or self._line:
            return None
        now = self._loop.time()
        while idle:
            connection, _ = idle.popitem()
            if connection.expires_at > now and connection.is_usable():
                return connection
            connection.close()
        return None

    async def acquire(self, connect_s: float, *, fresh: bool = False) -> Connection:
        """Return a connection within `connect_s`, waiting in line and opening one included.

        `fresh`: not one that was idle, as long as there is a choice.
        Raises UpstreamUnreachable, UpstreamTimeout (phase `connect`).
        """
        try:
            async with asyncio.timeout(connect_s):
                if self._is_closed:
                    raise UpstreamUnreachable("the HTTP client is closed")
                if not self._line:
                    if not fresh and (connection := self.take()) is not None:
                        return connection
                    if self._open < self._limits.max_connections or self._drop_idle():
                        self._open += 1
                        return await self._connect(connect_s)
                connection = await self._stand_in_line()
                return connection if connection is not None else await self._connect(connect_s)
        except TimeoutError as error:
            raise UpstreamTimeout("no connection to the provider in time", phase="connect") from error

    def release(self, connection: Connection) -> None:
        """Take back a connection whose exchange is complete."""
        if self._is_closed:
            connection.close()
        elif not self._hand_over(connection):
            self._idle[connection] = None
            if self._sweep_timer is None:
                self._sweep_timer = self._loop.call_later(self._limits.keep_alive_s, self._sweep)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self._idle.pop(connection, None)
        if connection in self._connections:
            self._connections.remove(connection)
            self._give_up_place()

    def is_empty(self) -> bool:
        """True when nothing is open, being opened or waited for."""
        return not self._open and not self._line

    def stats(self) -> OriginStats:
        """Count."""
        return OriginStats(
            origin=self.origin,
            open=self._open,
            idle=len(self._idle),
            in_use=self._open - len(self._idle),
            waiting=len(self._line),
        )

    async def aclose(self) -> None:
        """Close all connections and turn away who waits."""
        self._is_closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        while self._line:
            waiter, _ = self._line.popitem(last=False)
            if not waiter.done():
                waiter.set_exception(UpstreamUnreachable("the HTTP client is closed"))
        for connection in list(self._connections):
            if connection in self._idle:
                connection.close()
            else:
                connection.drop()
        self._idle.clear()
        if self._connections:
            try:
                async with asyncio.timeout(1.0):
                    await self._emptied.wait()
            except TimeoutError:
                # A TLS peer that does not answer the goodbye.
                for connection in list(self._connections):
                    connection.drop()

    # --- opening ---

    async def _connect(self, connect_s: float) -> Connection:
        """Open a connection in a place already counted in `_open`."""
        try:
            connection = await self._open_any(connect_s)
        except BaseException as error:  # cancellation too: let go, then raise again
            self._give_up_place()
            if isinstance(error, OSError | UnicodeError) and not isinstance(error, TimeoutError):
                raise UpstreamUnreachable(f"no connection to the provider ({type(error).__name__})") from error
            raise
        if connection.is_lost:
            self._give_up_place()
            raise UpstreamUnreachable("the provider closed the connection at once")
        self._connections.add(connection)
        if self._is_closed:
            connection.drop()
            raise UpstreamUnreachable("the HTTP client is closed")
        return connection

    async def _open_any(self, connect_s: float) -> Connection:
        deadline = self._loop.time() + connect_s
        addresses = await self._resolver.resolve(self.origin.host)
        context = await self._tls() if self.origin.scheme == "https" else None
        name = self.origin.host if context is not None else None
        last: OSError | None = None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # An address that does not answer must leave time for the others.
            share_s = max(0.0, deadline - self._loop.time()) / left
            connection = Connection(self, self._loop)
            try:
                async with asyncio.timeout(share_s if left > 1 else None):
                    await self._loop.create_connection(
                        lambda made=connection: made, address, self.origin.port, ssl=context, server_hostname=name
                    )
            except ssl.SSLError:
                # The provider is there; its other addresses would present the same.
                raise
            except OSError as error:
                last = error
                continue
            return connection
        raise last or OSError(f"no address for {self.origin.host!r}")

    # --- the line ---

    async def _stand_in_line(self) -> Connection | None:
        """Wait for a connection, or for the place of one that is gone (None)."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._line[waiter] = None
        try:
            return await waiter
        except BaseException:  # cancellation too: let go, then raise again
            self._line.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Served and cancelled in one turn of the loop: pass it on.
                connection = waiter.result()
                if connection is None:
                    self._give_up_place()
                else:
                    self.release(connection)
            raise

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._line:
            waiter, _ = self._line.popitem(last=False)
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _give_up_place(self) -> None:
        self._open -= 1
        if not self._is_closed and self._hand_over(None):
            self._open += 1
        if self._is_closed and not self._connections:
            self._emptied.set()

    def _drop_idle(self) -> bool:
        """Make room for a fresh connection by giving up the oldest idle one."""
        if not self._idle:
            return False
        connection = next(iter(self._idle))
        del self._idle[connection]
        self._connections.discard(connection)
        self._open -= 1
        connection.close()
        return True

    def _sweep(self) -> None:
        self._sweep_timer = None
        now = self._loop.time()
        for connection in [connection for connection in self._idle if connection.expires_at <= now]:
            del self._idle[connection]
            connection.close()
        if self._idle:
            soonest = min(connection.expires_at for connection in self._idle)
            self._sweep_timer = self._loop.call_at(soonest, self._sweep)
