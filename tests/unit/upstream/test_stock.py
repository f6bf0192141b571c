import asyncio
from collections.abc import AsyncIterator

import pytest

from gatewayz.sdk.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import HttpRequest, Origin, Timeouts
from gatewayz.upstream.stock import StockClient
from tests.fakes.scripted_server import Peer, scripted_server

QUICK = Timeouts(connect_s=1.0, first_byte_s=1.0, idle_s=1.0, total_s=3.0)


@pytest.fixture
async def client() -> AsyncIterator[StockClient]:
    made = StockClient()
    yield made
    await made.aclose()


def post(port: int, body: bytes = b"{}") -> HttpRequest:
    return HttpRequest(
        origin=Origin("http", "127.0.0.1", port), target=b"/v1?a=%20b", headers=((b"x-a", b"1"),), body=body
    )


async def test_the_request_and_its_answer(client: StockClient) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            seen.append(got)
            await peer.answer(b"ok", b"X-B: 2", status=b"201 Created")

    async with scripted_server(script) as server:
        for _ in range(2):
            reply = await client.send(post(server.port), QUICK)
            assert reply.status == 201
            assert (b"x-b", b"2") in list(reply.headers)
            assert await reply.read_all(10) == b"ok"
            reply.close()
            await asyncio.sleep(0.01)
        assert server.connections == 1
    head, body = seen[0]
    assert head.startswith(b"POST /v1?a=%20b HTTP/1.1\r\n")
    assert head.lower().count(b"accept-encoding: identity") == 1
    assert head.lower().count(b"accept-encoding") == 1
    assert body == b"{}"


async def test_ticks_and_data(client: StockClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.sleep(0.1)
        await peer.send(b"hello")

    async with scripted_server(script) as server:
        reply = await client.send(post(server.port), QUICK)
        seen = []
        while (piece := await reply.read(0.03)) != b"":
            seen.append(piece)
        assert [piece for piece in seen if piece] == [b"hello"]
        assert seen.count(None) >= 2
        reply.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("timeouts", "phase"),
    [(Timeouts(connect_s=0.05, first_byte_s=0.05), "first_byte"), (Timeouts(total_s=0.05), "total")],
)
async def test_no_head_in_time(client: StockClient, timeouts: Timeouts, phase: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async with scripted_server(script) as server:
        with pytest.raises(UpstreamTimeout) as caught:
            await client.send(post(server.port), timeouts)
        assert caught.value.phase == phase
        await server.until_open(0)


@pytest.mark.parametrize(
    ("timeouts", "phase"), [(Timeouts(idle_s=0.05), "idle"), (Timeouts(idle_s=1, total_s=0.1), "total")]
)
async def test_no_more_body_in_time(client: StockClient, timeouts: Timeouts, phase: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await peer.gone()

    async with scripted_server(script) as server:
        reply = await client.send(post(server.port), timeouts)
        assert await reply.read() == b"hello"
        with pytest.raises(UpstreamTimeout) as caught:
            await reply.read()
        assert caught.value.phase == phase
        await server.until_open(0)


async def test_closing_cuts_the_socket(client: StockClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await peer.gone()

    async with scripted_server(script) as server:
        reply = await client.send(post(server.port), QUICK)
        await reply.read()
        assert await reply.read(0.02) is None
        reply.close()
        reply.close()
        await server.until_open(0, within_s=0.25)
        with pytest.raises(UpstreamBroken):
            await reply.read()


async def test_a_cut_body_a_coded_body_and_a_long_body(client: StockClient) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answers[peer.number - 1])

    async with scripted_server(script) as server:
        for _ in answers:
            with pytest.raises(UpstreamBroken):
                await (await client.send(post(server.port), QUICK)).read_all(4)


async def test_refused(client: StockClient) -> None:
    async def script(peer: Peer) -> None:
        return

    async with scripted_server(script) as server:
        port = server.port
    with pytest.raises(UpstreamUnreachable):
        await client.send(post(port), QUICK)


async def test_a_proxy_is_used() -> None:
    seen: list[bytes] = []

    async def proxy(peer: Peer) -> None:
        while got := await peer.request():
            seen.append(got[0].split(b"\r\n")[0])
            await peer.answer(b"by proxy")

    async with scripted_server(proxy) as server:
        client = StockClient(proxy=f"http://127.0.0.1:{server.port}")
        request = HttpRequest(origin=Origin("http", "far.invalid", 80), target=b"/x", headers=(), method=b"GET")
        reply = await client.send(request, QUICK)
        assert await reply.read_all(100) == b"by proxy"
        reply.close()
        await asyncio.sleep(0.01)
        await client.aclose()
    assert seen == [b"GET http://far.invalid/x HTTP/1.1"]
