"""Whatever bytes come in whatever pieces: no crash, no 500, and a defined end."""

import asyncio
import itertools
import logging
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.sections.serving import Server
from gatewayz.server.asgi import Receive, Scope, Send
from gatewayz.server.http1 import Http1Connection
from gatewayz.server.service import Service
from tests.fakes.patient_settings import PATIENT


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; closes one loop step after it is told to, as real ones do."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.loop = loop
        self.written = bytearray()
        self.protocol: Http1Connection | None = None
        self.closing = False
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after the end"
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            if self.protocol is not None:
                self.loop.call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()


class Counting:
    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.calls.append((scope["method"], scope["raw_path"], body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


async def feed(pieces: Sequence[bytes]) -> tuple[bytes, MemoryTransport, Counting]:
    loop = asyncio.get_running_loop()
    app = Counting()
    service = Service(app, Server(), loop)
    transport = MemoryTransport(loop)
    connection = Http1Connection(service)
    transport.protocol = connection
    connection.connection_made(transport)
    for piece in pieces:
        if transport.closing:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    written = bytes(transport.written)
    if not transport.closing:
        connection.eof_received()
        transport.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not service.running
    assert not service.connections
    return written, transport, app


def tear(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    edges = [0, *places, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]


def statuses(written: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", written)]


WORDS = st.sampled_from(
    [
        b"GET ", b"POST ", b"get ", b"PRI * ", b"/", b"/a%00", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b"\r\n", b"\n",
        b"\r", b"Host: a", b"Host: ", b"Content-Length: 3", b"Content-Length: 99", b"Transfer-Encoding: chunked",
        b"Connection: close", b"Upgrade: h2c", b"Connection: Upgrade", b"Expect: 100-continue", b"0\r\n\r\n",
        b"3\r\nabc\r\n", b"abc", b"\0", b"\xff", b": ", b"\r\n\r\n", b";x=y", b" ",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
)  # fmt: skip
CUTS = st.lists(st.integers(0, 500), max_size=6)


@pytest.fixture(autouse=True)
def _strict_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


@PATIENT
@given(st.binary(max_size=400), CUTS)
def test_random_bytes(data: bytes, cuts: list[int]) -> None:
    written, _, app = asyncio.run(feed(tear(data, cuts)))
    assert all(400 <= status < 500 or status in (501, 505) for status in statuses(written))
    assert not app.calls


@PATIENT
@given(st.lists(WORDS, max_size=25), CUTS)
def test_words_of_the_protocol(words: list[bytes], cuts: list[int]) -> None:
    written, transport, app = asyncio.run(feed(tear(b"".join(words), cuts)))
    found = statuses(written)
    assert 500 not in found
    finals = [status for status in found if status != 100]
    assert finals.count(200) == len(app.calls)
    assert all(status == 200 for status in finals[:-1]), "nothing is answered behind a refusal"
    if finals and finals[-1] != 200:
        assert transport.ended or transport.closing


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[str, bytes, bytes]]:
    body = draw(st.binary(max_size=60))
    path = b"/" + draw(st.text("abc%20", max_size=8)).encode()
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: a"]
    lines += [b"X-%d: %b" % (n, v) for n, v in enumerate(draw(st.lists(st.sampled_from([b"", b"v", b" w "]))))]
    if draw(st.booleans()):
        lines.append(b"Transfer-Encoding: chunked")
        sizes = draw(st.lists(st.integers(1, 20), max_size=5))
        chunks, rest = [], body
        for size in [*sizes, len(body)]:
            if rest:
                chunks.append(b"%x\r\n%b\r\n" % (len(rest[:size]), rest[:size]))
                rest = rest[size:]
        sent = b"".join(chunks) + b"0\r\n\r\n"
    else:
        lines.append(b"Content-Length: %d" % len(body))
        sent = body
    return b"\r\n".join(lines) + b"\r\n\r\n" + sent, ("POST", path, body)


@PATIENT
@given(st.lists(requests(), min_size=1, max_size=4), CUTS)
def test_good_requests_arrive_whole_however_they_are_torn(
    wanted: list[tuple[bytes, tuple[str, bytes, bytes]]], cuts: list[int]
) -> None:
    pieces = [piece for data, _ in wanted for piece in tear(data, cuts)]  # chunked ones are not pipelined in a piece
    written, _, app = asyncio.run(feed(pieces))
    assert app.calls == [call for _, call in wanted]
    assert statuses(written) == [200] * len(wanted)
