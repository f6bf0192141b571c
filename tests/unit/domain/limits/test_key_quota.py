import asyncio

import pytest

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.key_quota import IDLE_S, REFUSE_S, KeyQuota, QuotaUse
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.sdk.errors import RateLimited, StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.identity_store import FakeIdentityStore
from tests.fakes.settlements import settlement

CALLER = Caller(user_id=1, key_id=1, max_requests=100)


class Process:
    def __init__(self, store: FakeIdentityStore, clock: FakeClock) -> None:
        self.uses = KeyUses(store, clock)
        self.quota = KeyQuota(store, self.uses, clock)
        self.made = 0

    async def begin(self) -> QuotaUse:
        use = await self.quota.take(CALLER)
        assert use is not None
        return use

    async def call(self) -> bool:
        try:
            await self.begin()
        except RateLimited as err:
            assert err.status == 429 and err.retry_after_s
            return False
        self.uses.record(settlement(key_id=1))
        self.made += 1
        return True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> FakeIdentityStore:
    store = FakeIdentityStore()
    store.bound = 100
    return store


async def test_keys_without_a_bound_are_not_counted(store: FakeIdentityStore, clock: FakeClock) -> None:
    assert await Process(store, clock).quota.take(Caller(user_id=1, key_id=1)) is None


async def test_processes_together_make_as_many_calls_as_the_key_has(store: FakeIdentityStore, clock: FakeClock) -> None:
    processes = [Process(store, clock) for _ in range(3)]
    answers = await asyncio.gather(*(processes[number % 3].call() for number in range(400)))
    assert answers.count(True) == 100 == sum(process.made for process in processes)
    for process in processes:
        await process.uses.aclose()
    assert sum(use.requests for use in store.uses) == 0, "the store has been told of them already"
    assert {use.key_id for use in store.uses} == {1}, "but not yet of when they were"


async def test_a_call_that_was_not_made_uses_nothing(store: FakeIdentityStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    store.bound = 1
    (await process.begin()).cancel()
    assert await process.call() and not await process.call()
    await process.quota.aclose()
    assert store.leased == 1


async def test_what_a_process_does_not_need_goes_back(store: FakeIdentityStore, clock: FakeClock) -> None:
    here, there = Process(store, clock), Process(store, clock)
    assert await here.call() and store.leased == 12
    clock.advance(IDLE_S)
    await here.quota.give_back(clock.monotonic() - IDLE_S)
    assert store.leased == 1
    assert await there.call()
    await there.quota.aclose()
    assert store.leased == 2


async def test_a_key_that_is_used_up_asks_the_store_seldom(store: FakeIdentityStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    store.bound = 0
    assert not await process.call()
    store.bound = 1
    assert not await process.call(), "asked a moment ago"
    clock.advance(REFUSE_S)
    assert await process.call()


async def test_without_the_store_a_block_is_used_and_no_more(store: FakeIdentityStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    assert await process.call()
    store.is_away = True
    for _ in range(11):
        assert await process.call()
    with pytest.raises(StoreUnavailable):
        await process.call()
    store.is_away = False
    assert await process.call()
