"""Bodies that are not in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gatewayz.sdk.errors import UpstreamBroken, UpstreamTimeout
from gatewayz.sdk.wire import HttpClient, HttpRequest, Origin, Timeouts
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.stock import StockClient
from tests.fakes.recordings import MemoryRecording
from tests.fakes.scripted_server import Peer, scripted_server

QUICK = Timeouts(connect_s=1.0, first_byte_s=1.0, idle_s=2.0, total_s=5.0)
CONTENT = bytes(range(256)) * 8192
"""More than a socket takes at once."""


@pytest.fixture(params=[Engine, StockClient])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[HttpClient]:
    made = request.param()
    yield made
    await made.aclose()


def upload(port: int, body: MemoryRecording) -> HttpRequest:
    return HttpRequest(origin=Origin("http", "127.0.0.1", port), target=b"/v1/x", headers=(), upload=body)


async def test_a_body_is_sent_piece_by_piece(client: HttpClient) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            seen.append(got[1])
            await peer.answer()

    body = MemoryRecording(CONTENT, piece=100_000)
    async with scripted_server(script) as server:
        for _ in range(2):
            reply = await client.send(upload(server.port, body), QUICK)
            assert await reply.read_all(10) == b"ok"
        assert server.connections == 1

    assert seen == [CONTENT, CONTENT]


async def test_a_request_on_a_dead_connection_is_read_and_sent_again() -> None:
    async def script(peer: Peer) -> None:
        if await peer.request() is not None:
            await peer.answer()
        if peer.number == 1:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.reset()
        elif await peer.request() is not None:
            await peer.answer()

    engine, body = Engine(), MemoryRecording(CONTENT, piece=100_000)
    try:
        async with scripted_server(script) as server:
            for _ in range(2):
                reply = await engine.send(upload(server.port, body), QUICK)
                assert await reply.read_all(10) == b"ok"
            assert server.connections == 2
    finally:
        await engine.aclose()

    assert body.reads == 3


async def test_an_early_answer_ends_the_upload() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.answer(b"no", status=b"413 Too Large")
        await peer.gone()

    engine, body = Engine(), MemoryRecording(CONTENT * 4, piece=50_000)
    try:
        async with scripted_server(script) as server:
            reply = await engine.send(upload(server.port, body), QUICK)
            assert (reply.status, await reply.read_all(10)) == (413, b"no")
            await server.until_open(0)  # what was cut short is not used again
    finally:
        await engine.aclose()


async def test_an_answer_is_read_while_the_provider_reads_no_more() -> None:
    done = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)  # the upload waits by now
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 4\r\n\r\nno")
        await done.wait()
        await peer.send(b"pe")
        await peer.gone()

    engine, body = Engine(), MemoryRecording(CONTENT * 16, piece=100_000)
    try:
        async with scripted_server(script) as server, asyncio.timeout(2):
            reply = await engine.send(upload(server.port, body), Timeouts(total_s=60))
            assert (reply.status, await reply.read()) == (413, b"no")
            done.set()
            assert await reply.read() == b"pe"
    finally:
        await engine.aclose()


async def test_a_provider_that_stops_reading_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    engine, body = Engine(), MemoryRecording(CONTENT * 16, piece=100_000)
    try:
        async with scripted_server(script) as server:
            with pytest.raises(UpstreamTimeout) as late:
                await engine.send(upload(server.port, body), Timeouts(first_byte_s=0.2, total_s=5))
            assert late.value.phase == "first_byte"
    finally:
        await engine.aclose()


async def test_a_provider_that_goes_away() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.reset()

    engine, body = Engine(), MemoryRecording(CONTENT * 16, piece=100_000)
    try:
        async with scripted_server(script) as server:
            with pytest.raises(UpstreamBroken):
                await engine.send(upload(server.port, body), QUICK)
    finally:
        await engine.aclose()


async def test_cancelling_an_upload_closes_the_connection() -> None:
    begun = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await asyncio.Event().wait()

    engine, body = Engine(), MemoryRecording(CONTENT * 16, piece=100_000)
    try:
        async with scripted_server(script) as server:
            sending = asyncio.ensure_future(engine.send(upload(server.port, body), QUICK))
            await begun.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
    finally:
        await engine.aclose()
