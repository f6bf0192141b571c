"""Stock Hypercorn serves the same application under the same rules."""

import asyncio
import logging

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from gatewayz.server.asgi import Receive, Scope, Send
from gatewayz.server.http2 import RESETS
from tests.fakes.asgi_apps import Recorder, answer, build, echo
from tests.fakes.raw_http import GET, connected, error_of, serving, status_of, talk

CLOSE = b"Connection: close\r\n\r\n"


async def test_serves_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.server"):
        async with serving(echo, fast_http=False) as port:
            stream = await talk(port, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" + CLOSE + b"abc")
    assert b"\r\nPOST /x abc\r\n" in stream
    assert b"\r\nserver:" not in stream
    assert "serving by stock Hypercorn because fast_http is off" in caplog.text


async def test_streams_and_state() -> None:
    async with serving(build(), fast_http=False) as port:  # type: ignore[arg-type]
        assert b"part5;" in await talk(port, b"GET /stream HTTP/1.1\r\nHost: a\r\n" + CLOSE)


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (400, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: " + b"a" * 64 + b".example\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        (501, b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (405, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ],
)
async def test_refuses_on_the_scope_what_hypercorn_lets_pass(status: int, request_bytes: bytes) -> None:
    async with serving(echo, fast_http=False) as port:
        stream = await talk(port, request_bytes + GET)
    assert status_of(stream) == status
    assert error_of(stream)["code"] == "MALFORMED_REQUEST"
    assert b"GET /" not in stream


async def speak_http2(port: int) -> int:
    """Return the status of a request by prior knowledge."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    connection.send_headers(
        1, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")], end_stream=True
    )
    async with connected(port) as client:
        client.send(connection.data_to_send())
        while data := await asyncio.wait_for(client.reader.read(65536), 3):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[":status"])
            client.send(connection.data_to_send())
    raise AssertionError("no answer")


async def test_http2_only_when_it_is_on() -> None:
    async with serving(echo, http2=True) as port:
        assert await speak_http2(port) == 200
        assert b"200" in await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE)
    async with serving(echo, fast_http=False) as port:
        assert await speak_http2(port) == 505


async def test_http2_requests_are_not_taken_back_without_end() -> None:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    head = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")]
    async with serving(echo, http2=True) as port:
        async with connected(port) as client:
            client.send(connection.data_to_send())
            for number in range(RESETS + 1):
                connection.send_headers(2 * number + 1, head, end_stream=True)
                connection.reset_stream(2 * number + 1)
                client.send(connection.data_to_send())
            ends: list[h2.events.Event] = []
            while data := await asyncio.wait_for(client.reader.read(65536), 3):
                ends += [e for e in connection.receive_data(data) if isinstance(e, h2.events.ConnectionTerminated)]
        assert [end.error_code for end in ends] == [h2.errors.ErrorCodes.ENHANCE_YOUR_CALM]
        assert await speak_http2(port) == 200


async def test_hang_up_is_told() -> None:
    app = Recorder()
    async with serving(app, fast_http=False) as port:
        async with connected(port) as client:
            client.send(GET)
            await client.until(b"first")
        await asyncio.wait_for(app.finished.wait(), 1)
        assert app.hung_up.done()


async def test_hang_up_is_told_to_whoever_does_not_receive() -> None:
    told = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        scope["extensions"]["gatewayz.hangup"].subscribe(told.set)
        await receive()
        await told.wait()

    async with serving(app, fast_http=False) as port:
        async with connected(port) as client:
            client.send(GET)
            await asyncio.sleep(0.05)
        await asyncio.wait_for(told.wait(), 1)


async def test_no_hang_up_after_the_answer() -> None:
    told: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        scope["extensions"]["gatewayz.hangup"].subscribe(lambda: told.append(True))
        await receive()
        await answer(send, b"x")

    async with serving(app, fast_http=False) as port:
        await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE)
        await asyncio.sleep(0.05)
    assert told == []


async def test_websockets_are_not_offered() -> None:
    async with serving(echo, fast_http=False) as port:
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        stream = await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n" + upgrade + key)
    assert status_of(stream) == 403
