"""ASGI applications for tests of the server; `build` is also a worker's factory."""

import asyncio
import os

from gatewayz.server.asgi import HANGUP, Message, Receive, Scope, Send


async def read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client left before its body was whole")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def answer(send: Send, body: bytes, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with method, path and body, on anything but the lifespan, which it does not know."""
    if scope["type"] != "http":
        raise RuntimeError("only http")
    body = await read_body(receive)
    await answer(send, f"{scope['method']} {scope['path']} ".encode() + body)


def build(name: str = "worker") -> object:
    """Return an application with a lifespan, a slow stream, its process id, and a way to die."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _run_lifespan(receive, send)
        elif scope["path"] == "/stream":
            await _stream(send)
        elif scope["path"] == "/die":
            os._exit(7)
        elif scope["path"] == "/forever":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await asyncio.Event().wait()
        else:
            await answer(send, f"{name} {os.getpid()}".encode())

    return app


def build_broken() -> object:
    raise RuntimeError("this application cannot be built")


async def _run_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            print("closed", flush=True)
            return


async def _stream(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(6):
        await send({"type": "http.response.body", "body": b"part%d;" % number, "more_body": True})
        await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": b"end"})


class Recorder:
    """Waits on every request until the client leaves, recording how it learned of that."""

    def __init__(self) -> None:
        self.seen: list[Message] = []
        self.hung_up: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.entered = asyncio.Event()
        self.finished = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("only http")
        loop = asyncio.get_running_loop()
        scope["extensions"][HANGUP].subscribe(lambda: self.hung_up.set_result(loop.time()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        self.entered.set()
        while True:
            message = await receive()
            self.seen.append(message)
            if message["type"] == "http.disconnect":
                break
        self.finished.set()
