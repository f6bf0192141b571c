"""A server over loopback, and clients that send exactly the bytes they are told to."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from gatewayz.config.sections.serving import Server
from gatewayz.server.asgi import ASGI3
from gatewayz.server.run import serve

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def serving(app: ASGI3, **settings: Any) -> AsyncIterator[int]:
    """Serve `app`; give the port."""
    stop = asyncio.Event()
    bound: asyncio.Future[list[tuple[str, int]]] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(
        serve(app, Server(**({"port": 0, "graceful_timeout_s": 2.0} | settings)), shutdown=stop, ready=bound.set_result)
    )
    await asyncio.wait({task, bound}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield bound.result()[0][1]
    finally:
        stop.set()
        await task


@dataclass
class RawClient:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, mark: bytes, timeout_s: float = 3.0) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(mark), timeout_s)

    async def rest(self, timeout_s: float = 3.0) -> bytes:
        """Everything up to the server's close."""
        try:
            return await asyncio.wait_for(self.reader.read(), timeout_s)
        except ConnectionResetError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(port: int, *, limit: int = 2**20) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        await client.close()


async def talk(port: int, data: bytes, timeout_s: float = 3.0) -> bytes:
    """Send bytes on a fresh connection; return everything the server says until it closes."""
    async with connected(port) as client:
        client.send(data)
        return await client.rest(timeout_s)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def error_of(answer: bytes) -> dict[str, Any]:
    body = answer.split(b"\r\n\r\n", 1)[1]
    error: dict[str, Any] = msgspec.json.decode(body)["error"]
    return error


def count_answers(stream: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", stream))
