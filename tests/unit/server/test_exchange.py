"""What an application is told and allowed: hang-ups, back-pressure, and faults of its own."""

import asyncio
import logging
import socket
import struct

import pytest

from gatewayz.server.asgi import HANGUP, ClientDisconnected, Receive, Scope, Send
from tests.fakes.asgi_apps import Recorder, answer, echo, read_body
from tests.fakes.raw_http import GET, connected, count_answers, error_of, serving, status_of, talk


@pytest.mark.parametrize("reset", [False, True])
async def test_a_hang_up_is_told_at_once_and_once(reset: bool) -> None:
    app = Recorder()
    async with serving(app) as port, connected(port) as client:
        client.send(GET)
        await app.entered.wait()
        if reset:
            sock = client.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left_s = asyncio.get_running_loop().time()
        client.writer.transport.abort()
        told_s = await asyncio.wait_for(app.hung_up, 1)
        await asyncio.wait_for(app.finished.wait(), 1)
    assert told_s - left_s < 0.25
    assert [message["type"] for message in app.seen] == ["http.request", "http.disconnect"]


async def test_subscribing_too_late_calls_back_at_once() -> None:
    result: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        calls: list[str] = []
        scope["extensions"][HANGUP].subscribe(lambda: calls.append("hung up"))
        result.set_result(calls)

    async with serving(late) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(result, 1) == ["hung up"]


async def test_no_hang_up_after_the_answer_or_after_unsubscribing() -> None:
    calls: list[str] = []
    after: list[str] = []
    done = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        hangup = scope["extensions"][HANGUP]
        hangup.subscribe(lambda: calls.append(scope["path"]))
        if scope["path"] == "/unsubscribed":
            hangup.unsubscribe()
            await receive()
        else:
            await answer(send, b"x")
        after.append((await receive())["type"])
        if scope["path"] == "/unsubscribed":
            done.set()

    async with serving(app) as port:
        async with connected(port) as client:
            client.send(GET)
            await client.until(b"\r\n\r\nx")
        async with connected(port) as client:
            client.send(b"GET /unsubscribed HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.sleep(0.05)
        await asyncio.wait_for(done.wait(), 1)
    assert calls == []
    assert after == ["http.disconnect", "http.disconnect"]


async def test_a_failing_callback_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    finished = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        scope["extensions"][HANGUP].subscribe(lambda: 1 / 0)
        await receive()
        await receive()
        finished.set()

    async with serving(app) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.05)
        await asyncio.wait_for(finished.wait(), 1)
    assert "a hang-up callback failed" in caplog.text


async def test_a_slow_reader_slows_the_sender() -> None:
    sent = 0
    stalled = asyncio.Event()

    async def firehose(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        if scope["type"] != "http":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(400):
            sending = asyncio.ensure_future(
                send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
            )
            done, _ = await asyncio.wait({sending}, timeout=0.1)
            if not done:
                stalled.set()
            await sending
            sent += 50_000
        await send({"type": "http.response.body", "body": b"end"})

    async with serving(firehose) as port, connected(port, limit=1000) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.wait_for(stalled.wait(), 3)
        assert sent < 20_000_000
        total = len(await client.rest())
    assert sent == 20_000_000
    assert total > sent


async def test_a_client_that_stops_reading_is_cut_off() -> None:
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hung_up: list[bool] = []

    async def firehose(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        scope["extensions"][HANGUP].subscribe(lambda: hung_up.append(True))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        except OSError as error:
            outcome.set_result(type(error).__name__)
            raise

    async with serving(firehose, write_timeout_s=0.1) as port, connected(port, limit=1000) as client:
        client.send(GET)
        assert await asyncio.wait_for(outcome, 3) == ClientDisconnected.__name__
    assert hung_up == [True]


async def test_sending_to_a_client_that_left_raises() -> None:
    raised: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        while (await receive())["type"] != "http.disconnect":
            pass
        try:
            await answer(send, b"too late")
        except ClientDisconnected:
            raised.set_result(True)

    async with serving(app) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(raised, 1)


async def test_head_and_first_part_are_one_write() -> None:
    app = Recorder()
    async with serving(app) as port, connected(port) as client:
        client.send(GET)
        assert (await client.reader.read(65536)).endswith(b"\r\n\r\n5\r\nfirst\r\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [("/raise", "the application failed"), ("/nothing", ""), ("/body", "the application failed")],
)
async def test_a_failing_application_is_a_500_and_closed(
    path: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/raise":
            raise ValueError("secret detail")
        if scope["path"] == "/body":
            await send({"type": "http.response.body", "body": b"no start"})

    async def with_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await app(scope, receive, send)

    async with serving(with_lifespan) as port:
        stream = await talk(port, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status_of(stream) == 500
    assert b"secret" not in stream
    assert error_of(stream)["code"] == "INTERNAL_ERROR"
    assert message in caplog.text


@pytest.mark.parametrize("headers", [[(b"x", b"a\r\nset-cookie: b")], [(b"x\n", b"a")], [(b"content-length", b"-1")]])
async def test_a_response_header_cannot_inject(headers: list[tuple[bytes, bytes]]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await answer(send, b"x", headers=tuple(headers))

    async with serving(app) as port:
        stream = await talk(port, GET)
    assert status_of(stream) == 500
    assert b"set-cookie" not in stream


@pytest.mark.parametrize("length", [b"2", b"20"])
async def test_a_body_of_the_wrong_length_never_looks_complete(length: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"bcde"})

    async with serving(app) as port:
        stream = await talk(port, GET + GET)
    assert count_answers(stream) <= 1
    assert b"bcde" not in stream


async def test_a_failure_in_the_middle_cuts_the_stream_without_an_end_mark() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(0.05)
        raise ValueError

    async with serving(app) as port, connected(port) as client:
        client.send(GET)
        assert await client.until(b"half\r\n")
        assert await client.rest() == b""


async def test_work_after_the_answer_does_not_delay_the_next_request() -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await answer(send, b"x" + scope["raw_path"])
        await release.wait()

    async with serving(app) as port, connected(port) as client:
        for path in (b"/1", b"/2"):
            client.send(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            await client.until(b"x" + path)
        release.set()


async def test_malformed_chunks_end_the_body_for_the_application() -> None:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        try:
            await read_body(receive)
        except ConnectionResetError:
            told.set_result(True)

    async with serving(app) as port, connected(port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        client.send(b"zz\r\n")
        assert status_of(await client.rest()) == 400
        assert await asyncio.wait_for(told, 1)


async def test_two_tasks_may_wait_for_the_disconnect() -> None:
    both: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await receive()
        messages = await asyncio.gather(receive(), receive())
        both.set_result([message["type"] for message in messages])

    async with serving(app) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(both, 1) == ["http.disconnect", "http.disconnect"]


async def test_disconnects_are_not_logged_as_faults(caplog: pytest.LogCaptureFixture) -> None:
    finished = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await receive()
        await receive()
        finished.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(answer(send, b"x"))

    with caplog.at_level(logging.INFO):
        async with serving(app) as port:
            async with connected(port) as client:
                client.send(GET)
                await asyncio.sleep(0.05)
            await asyncio.wait_for(finished.wait(), 1)
            await asyncio.sleep(0)
    assert caplog.records == []


async def test_echo_reads_its_body() -> None:
    async with serving(echo) as port:
        stream = await talk(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    assert stream.endswith(b"POST / hi")


async def test_a_client_that_asks_without_reading_is_not_answered_without_end() -> None:
    asked = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        if scope["type"] != "http":
            raise RuntimeError
        asked += 1
        await answer(send, b"x" * 50_000)

    async with serving(app) as port, connected(port, limit=1000) as client:
        total = 1000
        for _ in range(total - 1):
            client.send(GET)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(0.3)
        assert asked < 500
        stream = await client.rest(10)
    assert asked == total
    assert count_answers(stream) == total


async def test_a_client_that_never_reads_its_whole_answer_is_cut_off() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await answer(send, b"x" * 50_000_000)

    async with serving(app, write_timeout_s=0.1) as port, connected(port, limit=1000) as client:
        client.send(GET)
        await asyncio.sleep(0.5)
        assert len(await client.rest()) < 50_000_000
