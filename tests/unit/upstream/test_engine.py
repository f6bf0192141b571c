import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from gatewayz.sdk.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import Headers, HttpRequest, Origin, Timeouts
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.limits import Limits
from tests.fakes.scripted_server import Peer, ScriptedServer, scripted_server

QUICK = Timeouts(connect_s=1.0, first_byte_s=2.0, idle_s=2.0, total_s=5.0)


def post(port: int, body: bytes = b"{}", *, method: bytes = b"POST", headers: Headers = ()) -> HttpRequest:
    return HttpRequest(
        origin=Origin("http", "127.0.0.1", port), target=b"/v1/x?a=1", headers=headers, body=body, method=method
    )


def raw(data: bytes, *, then: str = "wait", piece: int = 0) -> Callable[[Peer], Awaitable[None]]:
    """Script: answer each request with these bytes; `then` wait for the client, close, or reset."""

    async def script(peer: Peer) -> None:
        while await peer.request() is not None:
            for start in range(0, len(data), piece or len(data) or 1):
                await peer.send(data[start : start + (piece or len(data))])
                if piece:
                    await asyncio.sleep(0)
            if then == "close":
                peer.writer.close()
                return
            if then == "reset":
                peer.reset()
                return

    return script


async def call(engine: Engine, server: ScriptedServer, timeouts: Timeouts = QUICK, **kwargs: bytes) -> bytes:
    reply = await engine.send(post(server.port, **kwargs), timeouts)
    try:
        return await reply.read_all(1 << 20)
    finally:
        reply.close()


# --- what goes out ---


async def test_the_request_as_sent(engine: Engine) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            seen.append(got)
            await peer.answer()

    async with scripted_server(script) as server:
        request = post(server.port, b'{"a":1}', headers=((b"content-type", b"application/json"),))
        reply = await engine.send(request, QUICK)
        assert await reply.read_all(10) == b"ok"
        reply.close()
        got = await engine.send(post(server.port, b"", method=b"GET"), QUICK)
        await got.read_all(10)
    host = b"host: 127.0.0.1:%d\r\naccept-encoding: identity\r\n" % server.port
    assert seen[0] == (
        b"POST /v1/x?a=1 HTTP/1.1\r\n" + host + b"content-length: 7\r\ncontent-type: application/json\r\n\r\n",
        b'{"a":1}',
    )
    assert seen[1] == (b"GET /v1/x?a=1 HTTP/1.1\r\n" + host + b"\r\n", b"")


async def test_a_large_body_arrives_whole(engine: Engine) -> None:
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer) -> None:
        got = await peer.request()
        assert got is not None
        await peer.answer(b"same" if got[1] == body else b"different")

    async with scripted_server(script) as server:
        assert await call(engine, server, body=body) == b"same"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (b"/a b", ()),
        (b"/a\r\nx: y", ()),
        (b"/", ((b"x", b"a\r\nb: c"),)),
        (b"/", ((b"x", b"a\nb"),)),
        (b"/", ((b"x\r", b"a"),)),
        (b"/", ((b"x", b"a\0b"),)),
    ],
)
async def test_requests_that_would_break_the_framing_are_not_sent(
    engine: Engine, target: bytes, headers: Headers
) -> None:
    request = HttpRequest(origin=Origin("http", "127.0.0.1", 9), target=target, headers=headers)
    with pytest.raises(ValueError, match="HTTP"):
        await engine.send(request, QUICK)


# --- what comes back ---

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [0, 1, 3])
@pytest.mark.parametrize(
    ("answer", "then", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "wait", b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "wait", b""),
        (CHUNKED + b"3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", "wait", b"hello"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "close", b"hello"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "close", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "wait", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "wait", b"hello"),
        (
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "wait",
            b"hello",
        ),
    ],
)
async def test_bodies_at_any_split(engine: Engine, answer: bytes, then: str, body: bytes, piece: int) -> None:
    async with scripted_server(raw(answer, then=then, piece=piece)) as server:
        reply = await engine.send(post(server.port), QUICK)
        assert reply.status in (200, 204)
        assert all(name == name.lower() for name, _ in reply.headers)
        assert not any(name in (b"link", b"trailer") for name, _ in reply.headers)
        assert await reply.read_all(100) == body
        assert await reply.read() == b""
        reply.close()
        reply.close()


async def test_statuses_and_headers_are_handed_over(engine: Engine) -> None:
    answer = b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nno"
    async with scripted_server(raw(answer)) as server:
        reply = await engine.send(post(server.port), QUICK)
        assert reply.status == 429
        assert list(reply.headers)[:3] == [(b"retry-after", b"7"), (b"x-a", b"1"), (b"x-a", b"2")]
        assert await reply.read_all(10) == b"no"


async def test_a_head_answer_has_no_body(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as server:
        reply = await engine.send(post(server.port, b"", method=b"HEAD"), QUICK)
        assert await reply.read_all(10) == b""


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "wait"),
        (b"HTTP/1.1 abc\r\n\r\n", "wait"),
        (b"\x16\x03\x01\x02\x00", "wait"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "wait"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "wait"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "wait"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "wait"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nzzz", "wait"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"a" * 70_000 + b"\r\n\r\n", "wait"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 12_000 + b"\r\n", "wait"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3000, "wait"),
        (b"", "close"),
        (b"", "reset"),
        (b"HTTP/1.1 200 O", "close"),
    ],
)
async def test_answers_without_a_usable_head(engine: Engine, answer: bytes, then: str) -> None:
    async with scripted_server(raw(answer, then=then)) as server:
        with pytest.raises(UpstreamBroken):
            await engine.send(post(server.port), QUICK)
        await server.until_open(0)
        assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "close"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "reset"),
        (CHUNKED + b"5\r\nhello\r\n", "close"),
        (CHUNKED + b"5\r\nhello\r\nzz\r\n", "wait"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "reset"),
    ],
)
async def test_a_cut_or_mad_body_raises_after_what_arrived(engine: Engine, answer: bytes, then: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(0.05)
        if then == "close":
            peer.writer.close()
        elif then == "reset":
            # A reset needs unread data or a zero linger.
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            peer.reset()
        else:
            await peer.gone()

    async with scripted_server(script) as server:
        reply = await engine.send(post(server.port), QUICK)
        assert await reply.read() == b"hello"
        with pytest.raises(UpstreamBroken):
            await reply.read()
        with pytest.raises(UpstreamBroken):
            await reply.read()
        reply.close()


async def test_endless_framing_without_content_is_cut(engine: Engine) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5;")
        for _ in range(100):
            await peer.send(b"e" * 4096)

    async with scripted_server(script) as server:
        reply = await engine.send(post(server.port), QUICK)
        with pytest.raises(UpstreamBroken):
            await reply.read()


async def test_one_byte_chunks_are_legal(engine: Engine) -> None:
    answer = CHUNKED + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n"
    async with scripted_server(raw(answer)) as server:
        assert await call(engine, server) == b"a" * 50_000


async def test_read_all_stops_at_its_limit_and_cuts(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1000)) as server:
        reply = await engine.send(post(server.port), QUICK)
        with pytest.raises(UpstreamBroken, match="too long"):
            await reply.read_all(999)
        await server.until_open(0)


async def test_the_total_size_is_bounded() -> None:
    engine = Engine(Limits(max_body_bytes=1000))
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1001)) as server:
        reply = await engine.send(post(server.port), QUICK)
        with pytest.raises(UpstreamBroken):
            await reply.read_all(1 << 20)
    await engine.aclose()


# --- times ---


async def test_refused() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    engine = Engine()
    with pytest.raises(UpstreamUnreachable):
        await engine.send(post(port), QUICK)
    assert engine.stats()[0].open == 0
    await engine.aclose()


async def test_unknown_host(engine: Engine) -> None:
    request = HttpRequest(origin=Origin("http", "no-such-host.invalid", 80), target=b"/", headers=())
    with pytest.raises((UpstreamUnreachable, UpstreamTimeout)):
        await engine.send(request, Timeouts(connect_s=0.5))


async def test_connect_timeout(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str) -> tuple[str, ...]:
        await asyncio.sleep(60)
        return ()

    monkeypatch.setattr(engine._resolver, "resolve", never)
    with pytest.raises(UpstreamTimeout) as caught:
        await engine.send(post(1), Timeouts(connect_s=0.05))
    assert caught.value.phase == "connect"
    assert engine.stats()[0].open == 0


@pytest.mark.parametrize(
    ("timeouts", "phase"),
    [(Timeouts(first_byte_s=0.08), "first_byte"), (Timeouts(total_s=0.08), "total")],
)
async def test_no_head_in_time(engine: Engine, timeouts: Timeouts, phase: str) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n")) as server:
        began = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamTimeout) as caught:
            await engine.send(post(server.port), timeouts)
        assert caught.value.phase == phase
        assert 0.07 < asyncio.get_running_loop().time() - began < 0.5
        await server.until_open(0)


@pytest.mark.parametrize(
    ("timeouts", "phase"), [(Timeouts(idle_s=0.08), "idle"), (Timeouts(idle_s=1, total_s=0.15), "total")]
)
async def test_no_more_body_in_time(engine: Engine, timeouts: Timeouts, phase: str) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), timeouts)
        assert await reply.read() == b"hello"
        with pytest.raises(UpstreamTimeout) as caught:
            await reply.read()
        assert caught.value.phase == phase
        await server.until_open(0)


async def test_ticks_do_not_restart_the_idle_limit(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), Timeouts(idle_s=0.2))
        assert await reply.read(0.03) == b"hello"
        ticks = 0
        with pytest.raises(UpstreamTimeout) as caught:
            while True:
                assert await reply.read(0.03) is None
                ticks += 1
        assert caught.value.phase == "idle"
        assert 3 <= ticks <= 7


async def test_data_after_ticks_arrives(engine: Engine) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        for _ in range(3):
            await asyncio.sleep(0.06)
            await peer.send(b"1\r\na\r\n")
        await peer.send(b"0\r\n\r\n")
        await peer.gone()

    async with scripted_server(script) as server:
        reply = await engine.send(post(server.port), Timeouts(idle_s=0.5))
        seen: list[bytes | None] = []
        while (piece := await reply.read(0.02)) != b"":
            seen.append(piece)
        assert seen.count(b"a") == 3
        assert seen.count(None) >= 3


async def test_an_answer_nobody_reads_is_cut_at_the_total_limit(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), Timeouts(total_s=0.1))
        await server.until_open(0)
        assert await reply.read() == b"hello"
        with pytest.raises(UpstreamTimeout):
            await reply.read()


async def test_a_slow_reader_is_not_an_idle_provider(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), Timeouts(idle_s=0.05))
        await asyncio.sleep(0.15)
        assert await reply.read() == b"hello"
        assert await reply.read() == b""


# --- connections ---


async def test_connections_are_kept_and_the_last_used_is_taken_first(engine: Engine) -> None:
    used: list[int] = []

    async def script(peer: Peer) -> None:
        while await peer.request():
            used.append(peer.number)
            await asyncio.sleep(0.02 * peer.number)
            await peer.answer()

    async with scripted_server(script) as server:
        await asyncio.gather(*(call(engine, server) for _ in range(3)))
        for _ in range(5):
            await call(engine, server)
        assert server.connections == 3
        assert used[3:] == [used[-1]] * 5
        assert (engine.stats()[0].open, engine.stats()[0].idle, engine.stats()[0].in_use) == (3, 3, 0)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    ],
)
async def test_connections_that_are_not_used_again(engine: Engine, answer: bytes) -> None:
    async with scripted_server(raw(answer)) as server:
        assert await call(engine, server) == b"ok"
        await server.until_open(0)
        assert await call(engine, server) == b"ok"
        assert server.connections == 2


async def test_bytes_on_an_idle_connection_close_it(engine: Engine) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await asyncio.sleep(0.03)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await peer.gone()

    async with scripted_server(script) as server:
        assert await call(engine, server) == b"ok"
        await server.until_open(0)
        assert await call(engine, server) == b"ok"


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_stale_connection_is_replaced_once(engine: Engine, way: str) -> None:
    requests = 0

    async def script(peer: Peer) -> None:
        nonlocal requests
        while await peer.request():
            requests += 1
            if requests == 2:
                # The second request of the first connection dies unanswered.
                peer.writer.close() if way == "close" else peer.reset()
                return
            await peer.answer(b"%d" % requests)

    async with scripted_server(script) as server:
        assert await call(engine, server) == b"1"
        assert await call(engine, server) == b"3"
        assert server.connections == 2


async def test_a_connection_closed_while_idle_costs_nothing(engine: Engine) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)

    async with scripted_server(script) as server:
        assert await call(engine, server) == b"1"
        await asyncio.sleep(0.02)
        assert engine.stats()[0].open == 0
        assert await call(engine, server) == b"2"


async def test_nothing_is_sent_again_after_the_first_byte(engine: Engine) -> None:
    requests = 0

    async def script(peer: Peer) -> None:
        nonlocal requests
        while await peer.request():
            requests += 1
            if requests == 2:
                await peer.send(b"H")
                return
            await peer.answer()

    async with scripted_server(script) as server:
        await call(engine, server)
        with pytest.raises(UpstreamBroken):
            await call(engine, server)
        assert requests == 2


async def test_a_fresh_connection_is_not_tried_twice(engine: Engine) -> None:
    async with scripted_server(raw(b"", then="close")) as server:
        with pytest.raises(UpstreamBroken):
            await call(engine, server)
        assert server.connections == 1


async def test_a_timeout_on_a_kept_connection_is_not_sent_again(engine: Engine) -> None:
    requests = 0

    async def script(peer: Peer) -> None:
        nonlocal requests
        while await peer.request():
            requests += 1
            if requests == 1:
                await peer.answer()

    async with scripted_server(script) as server:
        await call(engine, server)
        with pytest.raises(UpstreamTimeout):
            await call(engine, server, Timeouts(first_byte_s=0.05))
        await server.until_open(0)
        assert requests == 2


async def test_the_providers_keep_alive_hint_is_obeyed(engine: Engine) -> None:
    async with scripted_server(
        raw(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=5\r\nContent-Length: 2\r\n\r\nok")
    ) as server:
        await call(engine, server)
        await call(engine, server)
        assert server.connections == 2


async def test_idle_connections_are_swept() -> None:
    engine = Engine(Limits(keep_alive_s=0.05))
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as server:
        await call(engine, server)
        assert engine.stats()[0].idle == 1
        await server.until_open(0)
        assert engine.stats()[0].open == 0
    await engine.aclose()


async def test_the_line_is_fair_and_its_time_counts_as_connecting() -> None:
    engine = Engine(Limits(max_connections=2))
    order: list[bytes] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            order.append(got[1])
            await asyncio.sleep(0.01)
            await peer.answer()

    async with scripted_server(script) as server:
        tasks = []
        for number in range(20):
            tasks.append(asyncio.create_task(call(engine, server, body=b"%d" % number)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        numbers = [int(body) for body in order]
        # Two connections work side by side, so neighbours may swap.
        assert all(abs(number - place) <= 1 for place, number in enumerate(numbers))
        assert server.connections == 2
        assert engine.stats()[0].waiting == 0
    await engine.aclose()


async def test_waiting_in_line_ends_with_the_connect_limit_and_leaves_no_trace() -> None:
    engine = Engine(Limits(max_connections=1))
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), QUICK)
        with pytest.raises(UpstreamTimeout) as caught:
            await engine.send(post(server.port), Timeouts(connect_s=0.05))
        assert caught.value.phase == "connect"
        assert engine.stats()[0].waiting == 0
        reply.close()
        # The place of the cut connection goes to the next in line.
        second = await engine.send(post(server.port), QUICK)
        assert await second.read() == b"hello"
        second.close()
    await engine.aclose()


async def test_closing_an_unread_answer_cuts_the_socket(engine: Engine) -> None:
    seen = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nhello\r\n")
        await peer.gone()
        seen.set()

    async with scripted_server(script) as server:
        reply = await engine.send(post(server.port), QUICK)
        assert await reply.read() == b"hello"
        began = asyncio.get_running_loop().time()
        reply.close()
        reply.close()
        await asyncio.wait_for(seen.wait(), 1)
        assert asyncio.get_running_loop().time() - began < 0.25
        with pytest.raises(UpstreamBroken):
            await reply.read()


@pytest.mark.parametrize("moment", ["head", "body"])
async def test_cancelling_cuts_the_socket(engine: Engine, moment: str) -> None:
    seen, asked = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if moment == "body":
            await peer.send(CHUNKED)
        asked.set()
        await peer.gone()
        seen.set()

    async with scripted_server(script) as server:
        task = asyncio.create_task(call(engine, server))
        await asyncio.wait_for(asked.wait(), 1)
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(seen.wait(), 0.25)
        await asyncio.sleep(0.01)
        assert engine.stats()[0].open == 0


async def test_an_unread_complete_answer_does_not_hold_its_connection(engine: Engine) -> None:
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as server:
        first = await engine.send(post(server.port), QUICK)
        second = await engine.send(post(server.port), QUICK)
        assert await first.read_all(10) == await second.read_all(10) == b"ok"
        assert server.connections == 1
        first.close()
        assert await call(engine, server) == b"ok"


async def test_back_pressure_reaches_the_provider(engine: Engine) -> None:
    sent = 0
    size = 64 * 1024 * 1024

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        while sent < size:
            await peer.send(b"x" * 65536)
            sent += 65536
        await peer.gone()

    async with scripted_server(script) as server:
        reply = await engine.send(post(server.port), Timeouts())
        await asyncio.sleep(0.2)
        assert sent < size / 2, "the server was not held back"
        held = sent
        received = 0
        while piece := await reply.read():
            received += len(piece)
        assert received == size > held
        reply.close()
        await asyncio.sleep(0)
        assert engine.stats()[0].idle == 1


async def test_a_thousand_random_cancels_leak_nothing() -> None:
    engine = Engine(Limits(max_connections=50))
    import random

    rng = random.Random(7)

    async def script(peer: Peer) -> None:
        while await peer.request():
            if rng.random() < 0.5:
                await asyncio.sleep(rng.random() * 0.004)
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            if rng.random() < 0.5:
                await asyncio.sleep(rng.random() * 0.004)
            await peer.send(b"0\r\n\r\n")

    async with scripted_server(script) as server:

        async def one() -> None:
            task = asyncio.create_task(call(engine, server, Timeouts(connect_s=5)))
            await asyncio.sleep(rng.random() * 0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert await task == b"hello"

        for _ in range(10):
            await asyncio.gather(*(one() for _ in range(100)))
        await asyncio.sleep(0.05)
        stats = engine.stats()[0]
        assert (stats.in_use, stats.waiting) == (0, 0)
        assert stats.open == stats.idle <= 50
        await server.until_open(stats.open)
        assert await asyncio.gather(*(call(engine, server) for _ in range(60))) == [b"hello"] * 60
    await engine.aclose()


# --- closing ---


async def test_aclose_ends_everything() -> None:
    engine = Engine(Limits(max_connections=1))
    async with scripted_server(raw(b"HTTP/1.1 200 OK\r\n\r\nhello")) as server:
        reply = await engine.send(post(server.port), QUICK)
        waiting = asyncio.create_task(engine.send(post(server.port), QUICK))
        await asyncio.sleep(0.01)
        await engine.aclose()
        with pytest.raises(UpstreamUnreachable):
            await waiting
        assert await reply.read() == b"hello"
        with pytest.raises(UpstreamBroken):
            await reply.read()
        await server.until_open(0)
        with pytest.raises(UpstreamUnreachable):
            await engine.send(post(server.port), QUICK)
        with pytest.raises(UpstreamUnreachable):
            await engine.send(post(1), QUICK)
        await engine.aclose()


async def test_empty_origins_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewayz.upstream.engine.MAX_ORIGINS", 3)
    engine = Engine()
    for port in range(1, 8):
        with pytest.raises(UpstreamUnreachable):
            await engine.send(post(port), QUICK)
    assert len(engine.stats()) <= 3
    await engine.aclose()
