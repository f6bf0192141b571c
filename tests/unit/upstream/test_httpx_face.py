import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gatewayz.upstream.engine import Engine
from tests.fakes.scripted_server import Peer, scripted_server

ANSWERS: dict[bytes, bytes] = {
    b"/plain": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    b"/chunked": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    b"/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    b"/error": b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno",
    b"/moved": b"HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n",
}


async def serve(peer: Peer) -> None:
    while got := await peer.request():
        method, target, _ = got[0].split(b"\r\n")[0].split(b" ")
        path = target.partition(b"?")[0]
        if path == b"/echo":
            await peer.answer(method + b" " + target + b" " + got[1])
        elif path == b"/cut":
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            return
        elif path == b"/nothing":
            return
        elif path == b"/hang":
            await peer.gone()
        else:
            await peer.send(ANSWERS[path])


@pytest.mark.parametrize("path", ["/plain", "/chunked", "/empty", "/error", "/moved"])
async def test_answers_are_those_of_stock_httpx(engine: Engine, path: str) -> None:
    async with scripted_server(serve) as server, engine.httpx_client() as ours, httpx.AsyncClient() as stock:
        url = f"http://127.0.0.1:{server.port}{path}"
        mine, theirs = await ours.get(url), await stock.get(url)
        assert (mine.status_code, mine.content) == (theirs.status_code, theirs.content)
        assert mine.headers.multi_items() == theirs.headers.multi_items()
        assert mine.http_version == theirs.http_version


async def test_requests_are_those_of_stock_httpx(engine: Engine) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async with scripted_server(serve) as server, engine.httpx_client() as ours, httpx.AsyncClient() as stock:
        url = f"http://127.0.0.1:{server.port}/echo"
        for client in (ours, stock):
            posted = await client.post(url, json={"a": 1}, params={"q": "ü b"})
            assert posted.text == 'POST /echo?q=%C3%BC+b {"a":1}'
            assert (await client.put(url, content=b"xyz")).text == "PUT /echo xyz"
            assert (await client.delete(url)).text == "DELETE /echo "
        assert (await ours.post(url, content=pieces())).text == "POST /echo ab"


async def test_streams(engine: Engine) -> None:
    async with scripted_server(serve) as server, engine.httpx_client() as client:
        async with client.stream("GET", f"http://127.0.0.1:{server.port}/chunked") as response:
            assert b"".join([piece async for piece in response.aiter_bytes()]) == b"hello"
        assert engine.stats()[0].idle == 1


@pytest.mark.parametrize(
    ("path", "kind"), [("/cut", httpx.RemoteProtocolError), ("/nothing", httpx.RemoteProtocolError)]
)
async def test_errors_are_those_of_stock_httpx(engine: Engine, path: str, kind: type[Exception]) -> None:
    async with scripted_server(serve) as server, engine.httpx_client() as ours, httpx.AsyncClient() as stock:
        for client in (ours, stock):
            with pytest.raises(kind):
                await client.get(f"http://127.0.0.1:{server.port}{path}")


async def test_timeouts_and_refusals(engine: Engine) -> None:
    async with engine.httpx_client() as client:
        async with scripted_server(serve) as server:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"http://127.0.0.1:{server.port}/hang", timeout=0.05)
            port = server.port
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/plain")
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://127.0.0.1/")


async def test_compression_is_never_asked_for(engine: Engine) -> None:
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            heads.append(got[0])
            await peer.answer()

    async with scripted_server(script) as server, engine.httpx_client() as client:
        await client.get(f"http://127.0.0.1:{server.port}/", headers={"accept-encoding": "gzip, br"})
    assert heads[0].lower().count(b"accept-encoding:") == 1
    assert b"accept-encoding: identity\r\n" in heads[0]
    assert heads[0].lower().count(b"host:") == 1


async def test_cancelling_cuts_the_socket(engine: Engine) -> None:
    async with scripted_server(serve) as server, engine.httpx_client() as client:
        task = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/hang"))
        await server.until_open(1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until_open(0, within_s=0.25)


async def test_closing_a_client_leaves_the_pools_open(engine: Engine) -> None:
    async with scripted_server(serve) as server:
        for _ in range(3):
            async with engine.httpx_client() as client:
                await client.get(f"http://127.0.0.1:{server.port}/plain")
        assert server.connections == 1
