"""A scripted upstream over real loopback sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from gatewayz.sdk.testing.fakes import Answer

__all__ = ["Received", "ScriptedUpstream", "scripted_upstream"]

HEAD_LIMIT: Final = 64 * 1024


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the caller's connection is lost."""


Script = Answer | Callable[[Received], Answer]


class ScriptedUpstream:
    """Answers every request by its script; one request a connection unless the script completes the answer."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def base_url(self) -> str:
        """Where it listens: `http://127.0.0.1:PORT`."""
        if self._server is None:
            raise RuntimeError("the upstream is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_LIMIT)

    async def aclose(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()  # ends what waits to read; cancelled handlers would be reported by asyncio
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            while (received := await _read_request(reader)) is not None:
                self.requests.append(received)
                self.arrived.set()
                answer = self.script(received) if callable(self.script) else self.script
                if not await _write_answer(reader, writer, received, answer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller left: what the tests look at is `Received.gone`
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def scripted_upstream(script: Script) -> AsyncIterator[ScriptedUpstream]:
    """Run a scripted upstream for the length of a block."""
    upstream = ScriptedUpstream(script)
    await upstream.start()
    try:
        yield upstream
    finally:
        await upstream.aclose()


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)


async def _write_answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: Received, answer: Answer
) -> bool:
    """Write the answer in chunks; true when the connection may carry another request."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}".encode(), b"transfer-encoding: chunked"]
    lines.extend(name + b": " + value for name, value in answer.headers)
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    for piece in answer.pieces:
        if piece:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
    if answer.ending == "cut":
        writer.transport.abort()
        return False
    if answer.ending == "hang":
        await writer.drain()
        with suppress(ConnectionError):
            await reader.read(1)  # returns when the caller leaves
        received.gone.set()
        return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
