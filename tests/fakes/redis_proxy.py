"""A Redis that can be made to hang, to talk nonsense, or to refuse, without a restart: a proxy before a real one."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

__all__ = ["RedisProxy", "redis_proxy"]

Mode = Literal["serving", "hung", "nonsense", "refusing"]
_NONSENSE = b"HTTP/1.1 400 Bad Request\r\nserver: not-redis\r\n\r\n"


class RedisProxy:
    """`asked` counts the messages that came while it did not serve: how often somebody may have waited."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self.asked = 0
        self._behind = behind
        self._mode: Mode = "serving"
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def become(self, mode: Mode) -> None:
        """Change; connections end when it begins to serve or to refuse."""
        asyncio.run_coroutine_threadsafe(self._become(mode), self._loop).result(5)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    async def _become(self, mode: Mode) -> None:
        self._mode, self.asked = mode, 0
        if mode in ("serving", "refusing"):
            for writer in self._writers:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._mode == "refusing":
                self.asked += 1
                return
            behind = await asyncio.open_connection("127.0.0.1", self._behind)
            await asyncio.gather(self._ask(reader, writer, behind[1]), _copy(behind[0], writer))
        except OSError:
            pass  # either side has gone
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if self._mode == "serving":
                behind.write(data)
                continue
            self.asked += 1
            if self._mode == "nonsense":
                writer.write(_NONSENSE)
        behind.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


@contextmanager
def redis_proxy(behind: int) -> Iterator[RedisProxy]:
    proxy = RedisProxy(behind)
    proxy.start()
    try:
        yield proxy
    finally:
        with contextlib.suppress(RuntimeError):
            proxy.stop()
