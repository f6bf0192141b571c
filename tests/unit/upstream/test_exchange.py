"""Answers fed straight into a connection, without sockets: any split, any bytes."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayz.sdk.errors import UpstreamBroken, UpstreamError
from gatewayz.sdk.wire import Timeouts
from gatewayz.upstream.connection import Connection
from gatewayz.upstream.exchange import Exchange
from gatewayz.upstream.limits import Limits


class Transport:
    def __init__(self) -> None:
        self.is_paused = False
        self.is_cut = False
        self.written = b""

    def get_extra_info(self, name: str) -> Any:
        return None

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        self.is_cut = True

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False


class Pool:
    def __init__(self) -> None:
        self.released: list[Connection] = []

    def release(self, connection: Connection) -> None:
        self.released.append(connection)

    def lost(self, connection: Connection) -> None: ...


class Bench:
    def __init__(self, limits: Limits | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.limits = limits or Limits()
        self.pool = Pool()
        self.transport = Transport()
        self.connection = Connection(self.pool, self.loop)  # type: ignore[arg-type]
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def start(self) -> Exchange:
        now = self.loop.time()
        exchange = Exchange(self.connection, self.loop, self.limits, timeouts=Timeouts(), now=now, total_at=now + 600)
        self.connection.start(exchange, b"GET / HTTP/1.1\r\n\r\n", b"")
        return exchange

    def feed(self, data: bytes) -> None:
        # A transport delivers nothing after abort.
        if not self.transport.is_cut:
            self.connection.data_received(data)

    def end(self) -> None:
        self.connection.connection_lost(None)

    def read_all(self, exchange: Exchange) -> bytes:
        return self.loop.run_until_complete(exchange.read_all(1 << 30))

    def close(self) -> None:
        self.loop.close()


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [piece for piece in (data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)) if piece]


CUTS = st.lists(st.integers(0, 10_000), max_size=30)


@settings(deadline=None, max_examples=150)
@given(chunks=st.lists(st.binary(min_size=1, max_size=200), max_size=10), cuts=CUTS, interim=st.integers(0, 2))
def test_chunked_bodies_survive_any_split(chunks: list[bytes], cuts: list[int], interim: int) -> None:
    bench = Bench()
    exchange = bench.start()
    wire = b"HTTP/1.1 100 Continue\r\n\r\n" * interim
    wire += b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
    wire += b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    for piece in split(wire, cuts):
        assert not exchange.is_done
        bench.feed(piece)
    assert exchange.is_done
    assert exchange.status == 200
    assert list(exchange.headers) == [(b"transfer-encoding", b"chunked"), (b"x-a", b"1")]
    assert bench.read_all(exchange) == b"".join(chunks)
    assert bench.pool.released == [bench.connection]
    bench.close()


@settings(deadline=None, max_examples=150)
@given(body=st.binary(max_size=500), cuts=CUTS, missing=st.integers(0, 3), surplus=st.binary(max_size=3))
def test_counted_bodies_are_whole_or_an_error(body: bytes, cuts: list[int], missing: int, surplus: bytes) -> None:
    bench = Bench()
    exchange = bench.start()
    wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + missing) + body
    if not missing:
        wire += surplus
    for piece in split(wire, cuts):
        bench.feed(piece)
    if missing:
        bench.end()
        with pytest.raises(UpstreamBroken):
            bench.read_all(exchange)
    else:
        assert bench.read_all(exchange) == body
        # Surplus bytes may come with the body or later: either way the connection is not used for them.
        assert not surplus or bench.transport.is_cut
    bench.close()


@settings(deadline=None, max_examples=300)
@given(
    pieces=st.lists(
        st.binary(max_size=60)
        | st.sampled_from(
            [
                b"HTTP/1.1 200 OK\r\n",
                b"HTTP/1.1 100 Continue\r\n\r\n",
                b"HTTP/1.1 204 No\r\n\r\n",
                b"Content-Length: 5\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: close\r\n",
                b"Keep-Alive: timeout=99999999999999999999999\r\n",
                b"\r\n",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
                b"hello",
            ]
        ),
        max_size=12,
    )
)
def test_any_bytes_end_in_an_answer_or_an_upstream_error(pieces: list[bytes]) -> None:
    bench = Bench()
    exchange = bench.start()
    for piece in pieces:
        if piece:
            bench.feed(piece)
    bench.end()
    assert exchange.is_done or isinstance(exchange.error, UpstreamError)
    try:
        bench.read_all(exchange)
    except UpstreamBroken:
        assert not exchange.is_done
    assert len(bench.pool.released) <= 1
    assert not (bench.pool.released and not exchange.is_done)
    bench.close()


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=40), reads=st.lists(st.booleans(), max_size=40))
def test_pausing_and_resuming_keep_in_step(sizes: list[int], reads: list[bool]) -> None:
    bench = Bench(Limits(max_unread_bytes=500))
    exchange = bench.start()
    bench.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % sum(sizes))
    unread = 0
    for place, size in enumerate(sizes):
        bench.feed(b"x" * size)
        unread += size
        if not exchange.is_done:
            assert bench.transport.is_paused == (unread > 500)
        if (place < len(reads) and reads[place]) or bench.transport.is_paused:
            bench.loop.run_until_complete(exchange.read())
            unread = 0
            assert not bench.transport.is_paused
    assert exchange.is_done
    assert not bench.transport.is_paused
    bench.close()


def test_an_old_reply_cannot_touch_the_next_exchange() -> None:
    bench = Bench()
    first = bench.start()
    bench.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    second = bench.start()
    first.close()
    assert not bench.transport.is_cut
    bench.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
    assert bench.read_all(second) == b"no"
    bench.close()
