import asyncio
from collections.abc import Sequence

import pytest

from gatewayz.sdk.errors import UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import HttpRequest, Origin, Timeouts
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.limits import Limits
from gatewayz.upstream.resolver import Resolver
from tests.fakes.scripted_server import Peer, scripted_server

QUICK = Timeouts(connect_s=1.0, first_byte_s=1.0, idle_s=1.0, total_s=3.0)


async def answer(peer: Peer) -> None:
    while await peer.request():
        await peer.answer(b"%d" % peer.number)


def resolving(*addresses: str) -> Resolver:
    async def look_up(host: str) -> Sequence[str]:
        return addresses

    return Resolver(look_up=look_up)


def get(port: int, host: str = "a.example") -> HttpRequest:
    return HttpRequest(origin=Origin("http", host, port), target=b"/", headers=(), method=b"GET")


async def call(engine: Engine, request: HttpRequest) -> bytes:
    reply = await engine.send(request, QUICK)
    try:
        return await reply.read_all(100)
    finally:
        reply.close()


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    engine = Engine(resolver=resolving("127.0.0.2", "127.0.0.1"))
    async with scripted_server(answer) as server:
        assert await call(engine, get(server.port)) == b"1"
    await engine.aclose()


async def test_all_addresses_refusing_is_unreachable() -> None:
    engine = Engine(resolver=resolving("127.0.0.2", "127.0.0.3"))
    async with scripted_server(answer) as server:
        with pytest.raises(UpstreamUnreachable):
            await call(engine, get(server.port))
    assert engine.stats()[0].open == 0
    await engine.aclose()


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
async def test_a_name_that_is_none(host: str) -> None:
    engine = Engine()
    with pytest.raises(ValueError, match="label"):
        await engine.send(get(80, host), QUICK)
    await engine.aclose()


async def test_a_fresh_connection_displaces_an_idle_one() -> None:
    engine = Engine(Limits(max_connections=1))
    async with scripted_server(answer) as server:
        assert await call(engine, get(server.port, "127.0.0.1")) == b"1"
        pool = next(iter(engine._pools.values()))
        connection = await pool.acquire(1.0, fresh=True)
        assert connection.exchanges == 0
        assert pool.stats().open == 1
        await server.until_open(1)
    await engine.aclose()


async def test_a_place_given_up_goes_to_the_next_in_line() -> None:
    engine = Engine(Limits(max_connections=1))

    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.gone()
        await peer.answer(b"%d" % peer.number)

    async with scripted_server(script) as server:
        first = asyncio.create_task(call(engine, get(server.port, "127.0.0.1")))
        await server.until_open(1)
        second = asyncio.create_task(call(engine, get(server.port, "127.0.0.1")))
        await asyncio.sleep(0.01)
        assert engine.stats()[0].waiting == 1
        first.cancel()
        assert await second == b"2"
        with pytest.raises(asyncio.CancelledError):
            await first
    await engine.aclose()


async def test_one_served_and_cancelled_in_the_same_turn_passes_it_on() -> None:
    engine = Engine(Limits(max_connections=1))
    async with scripted_server(answer) as server:
        held = await engine.send(get(server.port, "127.0.0.1"), QUICK)
        await held.read_all(10)
        pool = next(iter(engine._pools.values()))
        connection = pool.take()
        assert connection is not None
        first = asyncio.create_task(pool.acquire(1.0))
        second = asyncio.create_task(pool.acquire(1.0))
        await asyncio.sleep(0)
        pool.release(connection)
        first.cancel()
        assert await second is connection
        pool.release(connection)
        with pytest.raises(asyncio.CancelledError):
            await first
        assert pool.stats().idle == 1
    await engine.aclose()


async def test_a_slow_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(resolver=resolving("127.0.0.2", "127.0.0.1"))
    tried: list[object] = []

    class Loop:
        """The real loop, with one address that never answers."""

        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self._loop = loop

        def __getattr__(self, name: str) -> object:
            return getattr(self._loop, name)

        async def create_connection(self, make: object, host: str, *args: object, **kwargs: object) -> object:
            tried.append(host)
            if host == "127.0.0.2":
                await asyncio.sleep(60)
            return await self._loop.create_connection(make, host, *args, **kwargs)  # type: ignore[call-overload]

    async with scripted_server(answer) as server:
        with pytest.raises(UpstreamTimeout):
            await engine.send(get(server.port), Timeouts(connect_s=0.0001))
        pool = next(iter(engine._pools.values()))
        monkeypatch.setattr(pool, "_loop", Loop(asyncio.get_running_loop()))
        reply = await engine.send(get(server.port), Timeouts(connect_s=0.2))
        assert await reply.read_all(10)
        assert tried == ["127.0.0.2", "127.0.0.1"]
    await engine.aclose()
