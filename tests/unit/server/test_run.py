"""Real processes: signals, drain, exit codes; and a stop inside a loop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Server
from gatewayz.server.asgi import Receive, Scope, Send
from gatewayz.server.run import serve
from gatewayz.server.sockets import bind_sockets
from tests.fakes.asgi_apps import Recorder, answer, echo
from tests.fakes.raw_http import GET, connected, serving, status_of, talk

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from gatewayz.config.sections.serving import Server
from gatewayz.server.run import run
from tests.fakes.asgi_apps import build
settings = Server(port=0, fast_http=sys.argv[1] == "fast", graceful_timeout_s=float(sys.argv[2]))
run(build(), settings, ready=lambda bound: print(bound[0][1], flush=True))
"""


one_loop = pytest.mark.asyncio(loop_factories=["asyncio"])
"""The loop of the test is not the one under test."""


@asynccontextmanager
async def program(kind: str = "fast", graceful_s: float = 5.0) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        kind,
        str(graceful_s),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@one_loop
@pytest.mark.parametrize("kind", ["fast", "stock"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_running_stream_finishes_after_the_signal(kind: str, number: signal.Signals) -> None:
    async with program(kind) as (process, port), connected(port) as idle, connected(port) as client:
        idle.send(GET)
        await idle.until(b"worker")
        client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.until(b"part0;")
        process.send_signal(number)
        rest = await client.rest()
        assert b"part5;" in rest
        assert rest.endswith(b"end\r\n0\r\n\r\n")
        assert await asyncio.wait_for(process.wait(), 5) == 0
        assert process.stdout is not None
        assert await process.stdout.read() == b"closed\n"
        with pytest.raises(ConnectionRefusedError):
            await talk(port, GET)


@one_loop
async def test_streams_are_cut_after_the_graceful_timeout() -> None:
    async with program(graceful_s=0.2) as (process, port), connected(port) as client:
        client.send(b"GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.until(b"first")
        process.terminate()
        rest = await client.rest()
        assert not rest.endswith(b"0\r\n\r\n")
        assert await asyncio.wait_for(process.wait(), 5) == 0


@one_loop
@pytest.mark.parametrize("kind", ["fast", "stock"])
async def test_a_second_signal_does_not_wait(kind: str) -> None:
    async with program(kind, graceful_s=30) as (process, port), connected(port) as client:
        client.send(b"GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.until(b"first")
        started = time.monotonic()
        process.terminate()
        await asyncio.sleep(0.2)
        assert process.returncode is None
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert time.monotonic() - started < 8


async def test_cut_off_requests_may_settle_before_the_application_closes() -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                message = await receive()
                await send({"type": message["type"] + ".complete"})
            events.append("closed")
            return
        events.append("running")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            events.append("settled")

    async with serving(app, graceful_timeout_s=0.1) as port, connected(port) as client:
        client.send(GET)
        await asyncio.sleep(0.05)
    assert events == ["running", "settled", "closed"]


async def test_work_of_a_client_that_left_is_waited_for() -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await receive()
        await receive()
        await asyncio.sleep(0.1)
        events.append("settled")

    async with serving(app) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.02)
    assert events == ["settled"]


async def test_draining_closes_idle_connections_and_ends_keep_alive() -> None:
    stop = asyncio.Event()
    bound: asyncio.Future[list[tuple[str, int]]] = asyncio.get_running_loop().create_future()
    entered, release = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        entered.set()
        await release.wait()
        await answer(send, b"done")

    task = asyncio.ensure_future(serve(app, Server(port=0), shutdown=stop, ready=bound.set_result))
    port = (await bound)[0][1]
    async with connected(port) as idle, connected(port) as busy, connected(port) as torn:
        torn.send(GET[:10])
        busy.send(GET)
        await entered.wait()
        stop.set()
        assert await idle.rest() == b""
        torn.send(GET[10:])
        await asyncio.sleep(0.02)
        release.set()
        for client in (busy, torn):
            last = await client.rest()
            assert status_of(last) == 200
            assert b"connection: close" in last
    await asyncio.wait_for(task, 2)


async def test_hangup_works_during_drain() -> None:
    app = Recorder()
    async with serving(app) as port:
        client_context = connected(port)
        client = await client_context.__aenter__()
        client.send(GET)
        await app.entered.wait()
        await client_context.__aexit__(None, None, None)
    assert app.hung_up.done()


async def test_a_taken_port_fails_at_once() -> None:
    async with serving(echo) as port:
        with pytest.raises(OSError, match="in use"):
            await serve(echo, Server(port=port), shutdown=asyncio.Event())


async def test_a_name_is_bound_on_all_its_addresses_with_one_port() -> None:
    bound: asyncio.Future[list[tuple[str, int]]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    sockets = [*bind_sockets("127.0.0.1", 0), *bind_sockets("127.0.0.2", 0)]
    task = asyncio.ensure_future(serve(echo, Server(), shutdown=stop, ready=bound.set_result, sockets=sockets))
    addresses = await bound
    assert [host for host, _ in addresses] == ["127.0.0.1", "127.0.0.2"]
    assert b"200 OK" in await talk(addresses[0][1], b"GET / HTTP/1.0\r\n\r\n")
    stop.set()
    await task
    assert all(sock.fileno() == -1 for sock in sockets)


async def test_ten_thousand_times_half_dropped_leaves_nothing_behind() -> None:
    loop = asyncio.get_running_loop()
    async with serving(echo) as port:
        for _ in range(20):
            clients = [connected(port) for _ in range(25)]
            opened = [await client.__aenter__() for client in clients]
            for number, client in enumerate(opened):
                client.send(GET if number % 2 else GET[:20])
                if number % 3 == 0:
                    client.writer.transport.abort()
            for client in clients:
                await client.__aexit__(None, None, None)
        await asyncio.sleep(0.05)
        # this test, the server, and what waits inside it
        assert len(asyncio.all_tasks(loop)) <= 4


async def test_quart_is_served_in_both_ways() -> None:
    quart = pytest.importorskip("quart")
    app = quart.Quart("served")

    async def hello() -> object:
        return {"body": (await quart.request.get_data()).decode()}

    async def stream() -> object:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"part;"

        return parts(), {"content-type": "text/event-stream"}

    app.add_url_rule("/hello", "hello", hello, methods=["POST"])
    app.add_url_rule("/stream", "stream", stream)
    for fast_http in (True, False):
        async with serving(app, fast_http=fast_http) as port, connected(port) as client:
            for _ in range(3):
                client.send(b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
                assert status_of(await client.until(b'{"body":"hi"}\n')) == 200
                client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await client.until(b"0\r\n\r\n")).count(b"part;") == 3
