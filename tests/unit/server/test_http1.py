"""Requests and answers on one connection: order, bodies, limits of time and memory."""

import asyncio

import pytest

from gatewayz.server.asgi import Receive, Scope, Send
from gatewayz.server.http1 import HIGH_WATER_BYTES
from tests.fakes.asgi_apps import answer, echo, read_body
from tests.fakes.raw_http import GET, connected, count_answers, error_of, serving, status_of, talk

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "


async def test_keeps_the_connection_for_the_next_request() -> None:
    async with serving(echo) as port, connected(port) as client:
        for number in range(3):
            client.send(POST + b"1\r\n\r\n%d" % number)
            assert (await client.until(b"POST / %d" % number)).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def slower_first(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/0":
            await asyncio.sleep(0.05)
        await echo(scope, receive, send)

    requests = b"".join(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok" % n for n in range(20))
    async with serving(slower_first) as port:
        stream = await talk(port, requests + b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    places = [stream.index(b"POST /%d ok" % n) for n in range(20)]
    assert places == sorted(places)
    assert count_answers(stream) == 21


async def test_pipelined_requests_run_one_at_a_time() -> None:
    running = most = 0

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running, most
        if scope["type"] != "http":
            raise RuntimeError
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await answer(send, b"x")
        running -= 1

    async with serving(counting) as port:
        stream = await talk(port, GET * 2000 + b"GET / HTTP/1.0\r\n\r\n", timeout_s=10)
    assert count_answers(stream) == 2001
    assert most <= 2  # an application may still be returning from its last send


async def test_http10_is_answered_and_closed() -> None:
    async with serving(echo) as port:
        stream = await talk(port, b"GET /old HTTP/1.0\r\n\r\n")
    assert b"connection: close" in stream
    assert stream.endswith(b"GET /old ")


async def test_head_has_no_body() -> None:
    async with serving(echo) as port:
        stream = await talk(port, b"HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"content-length: 8" in stream
    assert stream.endswith(b"\r\n\r\n")


async def test_head_of_a_stream_has_no_body() -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        await send({"type": "http.response.body", "body": b"def"})

    async with serving(stream) as port:
        assert (await talk(port, b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).endswith(b"\r\n\r\n")
        whole = await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert whole.endswith(b"\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
        old = await talk(port, b"GET / HTTP/1.0\r\n\r\n")
        assert old.endswith(b"\r\n\r\nabcdef")
        assert b"transfer-encoding" not in old


@pytest.mark.parametrize("status", [204, 304])
async def test_no_content_has_no_body(status: int) -> None:
    async def empty(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", status)

    async with serving(empty) as port, connected(port) as client:
        for _ in range(2):
            client.send(GET)
            head = await client.until(b"\r\n\r\n")
            assert status_of(head) == status
            assert b"transfer-encoding" not in head
            assert b"content-length" not in head


@pytest.mark.parametrize(("method", "status"), [(b"GET", 304), (b"GET", 204), (b"HEAD", 200)])
async def test_an_answer_without_body_may_come_in_pieces(method: bytes, status: int) -> None:
    async def pieces(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with serving(pieces) as port, connected(port) as client:
        for _ in range(2):
            client.send(GET.replace(b"GET", method))
            assert status_of(await client.until(b"\r\n\r\n")) == status


async def test_asks_for_the_body_only_when_the_application_reads() -> None:
    async def picky(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/refused":
            await answer(send, b"no", 413)
        else:
            await echo(scope, receive, send)

    expecting = b"Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    async with serving(picky) as port:
        async with connected(port) as client:
            client.send(b"POST /taken HTTP/1.1\r\n" + expecting)
            assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"abc")
            assert status_of(await client.until(b"abc")) == 200
        refused = await talk(port, b"POST /refused HTTP/1.1\r\n" + expecting)
    assert status_of(refused) == 413
    assert count_answers(refused) == 1
    assert b"connection: close" in refused


async def test_a_large_body_arrives_whole() -> None:
    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        await answer(send, b"%d" % len(body))

    size = 5_000_000
    async with serving(measure) as port, connected(port) as client:
        for _ in range(2):
            client.send(POST + b"%d\r\n\r\n" % size + b"x" * size)
            assert await client.until(b"\r\n\r\n5000000")


async def test_an_unread_body_is_not_buffered_without_end() -> None:
    release = asyncio.Event()
    taken = 0

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal taken
        if scope["type"] != "http":
            raise RuntimeError
        await release.wait()
        message = await receive()
        taken = len(message["body"])
        while message["more_body"]:
            message = await receive()
        await answer(send, b"done")

    size = 30_000_000
    async with serving(late) as port, connected(port) as client:
        client.send(POST + b"%d\r\n\r\n" % size + b"x" * size)
        await asyncio.sleep(0.3)
        release.set()
        assert await client.until(b"done")
    assert 0 < taken <= HIGH_WATER_BYTES + 256 * 1024


async def test_an_early_answer_reaches_a_client_that_still_sends() -> None:
    async def too_large(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await answer(send, b"too large", 413)

    async with serving(too_large) as port, connected(port) as client:
        client.send(POST + b"50000000\r\n\r\n" + b"x" * 3_000_000)
        stream = await client.rest()
    assert status_of(stream) == 413
    assert stream.endswith(b"too large")


async def test_an_early_answer_in_pieces_says_that_it_is_the_last() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with serving(refuse) as port, connected(port) as client:
        client.send(POST + b"2\r\n\r\n")
        assert b"connection: close" in await client.until(b"no")


async def test_a_slow_head_is_cut_off() -> None:
    async with serving(echo, head_timeout_s=0.1) as port:
        stream = await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n")
    assert status_of(stream) == 408
    assert error_of(stream)["code"] == "REQUEST_TIMEOUT"


async def test_dripping_does_not_extend_the_head_timeout() -> None:
    async with serving(echo, head_timeout_s=0.2) as port, connected(port) as client:
        started = asyncio.get_running_loop().time()
        reading = asyncio.ensure_future(client.rest())
        for byte in b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":
            if reading.done():
                break
            client.send(bytes([byte]))
            await asyncio.sleep(0.02)
        assert status_of(await reading) == 408
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_a_slow_body_is_cut_off_and_the_application_told() -> None:
    told = asyncio.Event()

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await echo(scope, receive, send)
        except ConnectionResetError:
            told.set()

    async with serving(reading, body_timeout_s=0.1) as port:
        stream = await talk(port, POST + b"10\r\n\r\nabc")
        await asyncio.wait_for(told.wait(), 1)
    assert status_of(stream) == 408


async def test_the_body_timeout_stands_still_while_the_application_does_not_read() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    size = 3_000_000
    async with serving(slow, body_timeout_s=0.15) as port, connected(port, limit=2**23) as client:
        client.send(POST + b"%d\r\n\r\n" % size + b"x" * size)
        assert status_of(await client.until(b"x" * 1000)) == 200


async def test_idle_connections_are_closed_without_a_word() -> None:
    async with serving(echo, keep_alive_s=0.1) as port:
        assert await talk(port, b"") == b""
        async with connected(port) as client:
            client.send(GET)
            assert (await client.rest()).endswith(b"GET / ")


async def test_an_answer_that_takes_long_is_not_idle() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.3)
        await answer(send, b"late")

    short = {"keep_alive_s": 0.05, "head_timeout_s": 0.05, "body_timeout_s": 0.05, "write_timeout_s": 0.05}
    async with serving(slow, **short) as port:
        assert (await talk(port, GET)).endswith(b"late")


async def test_the_scope_is_what_applications_expect() -> None:
    seen: list[Scope] = []

    async def spy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            seen.append(scope)
        await echo(scope, receive, send)

    async with serving(spy) as port:
        await talk(port, b"GET /a%20b?c=d%20e HTTP/1.1\r\nHost: h\r\nX-Up: 1 \r\nConnection: close\r\n\r\n")
    (scope,) = seen
    assert scope["path"] == "/a b"
    assert scope["raw_path"] == b"/a%20b"
    assert scope["query_string"] == b"c=d%20e"
    assert scope["headers"] == [(b"host", b"h"), (b"x-up", b"1"), (b"connection", b"close")]
    assert scope["http_version"] == "1.1"
    assert scope["client"][0] == "127.0.0.1"
    assert scope["server"] == ("127.0.0.1", port)
