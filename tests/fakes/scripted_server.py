"""A TCP server whose every connection runs a given script; it records what it saw."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

__all__ = ["Peer", "ScriptedServer", "scripted_server"]


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def request(self) -> tuple[bytes, bytes] | None:
        """Return head and body of the next request, None when the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        size = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.partition(b":")[2])
        return head, await self.reader.readexactly(size)

    async def send(self, data: bytes) -> None:
        if self.writer.is_closing():
            raise ConnectionResetError("the client has gone")
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"ok", *lines: bytes, status: bytes = b"200 OK") -> None:
        extra = b"".join(line + b"\r\n" for line in lines)
        await self.send(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (status, len(body), extra, body))

    async def gone(self) -> None:
        """Wait until the client has closed or reset."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        self.writer.transport.abort()


class ScriptedServer:
    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.open = 0
        self.errors: list[BaseException] = []

    async def until_open(self, count: int, within_s: float = 1.0) -> None:
        async with asyncio.timeout(within_s):
            while self.open != count:  # noqa: ASYNC110 - the number has no event
                await asyncio.sleep(0.002)


@asynccontextmanager
async def scripted_server(
    script: Callable[[Peer], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    """Serve on a free loopback port. A script's own errors are raised at the end."""
    state = ScriptedServer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        state.open += 1
        try:
            await script(Peer(reader, writer, state.connections))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - raised again at the end
            state.errors.append(error)
        finally:
            state.open -= 1
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(set(tasks), timeout=1)
        await asyncio.sleep(0)
    if state.errors:
        raise state.errors[0]
