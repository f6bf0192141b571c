import asyncio

import pytest

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.key_quota import POLL_S, KeyQuota, QuotaSlot
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.sdk.errors import RateLimited
from tests.fakes.clock import FakeClock
from tests.fakes.identity_store import FakeIdentityStore
from tests.fakes.settlements import settlement

CALLER = Caller(user_id=1, key_id=1, max_requests=3)


class Process:
    def __init__(self, store: FakeIdentityStore, clock: FakeClock) -> None:
        self.uses = KeyUses(store, clock)
        self.quota = KeyQuota(self.uses, clock)

    async def begin(self) -> QuotaSlot:
        slot = await self.quota.take(CALLER)
        assert slot is not None
        return slot

    async def call(self) -> None:
        slot = await self.begin()
        slot.release()
        self.uses.record(settlement(key_id=1))

    async def is_used_up(self) -> bool:
        try:
            (await self.begin()).release()
        except RateLimited as err:
            assert err.status == 429 and err.retry_after_s
            return True
        return False


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> FakeIdentityStore:
    return FakeIdentityStore()


async def test_keys_without_a_bound_are_not_counted(store: FakeIdentityStore, clock: FakeClock) -> None:
    assert await Process(store, clock).quota.take(Caller(user_id=1, key_id=1)) is None


@pytest.mark.parametrize("flushes", ["none", "each", "polls"])
async def test_one_process_is_exact(store: FakeIdentityStore, clock: FakeClock, flushes: str) -> None:
    process = Process(store, clock)
    for _ in range(3):
        await process.call()
        if flushes == "each":
            await process.uses.flush()
        if flushes == "polls":
            clock.advance(POLL_S)
    assert await process.is_used_up()
    clock.advance(POLL_S)
    assert await process.is_used_up()


async def test_calls_under_way_count_until_they_end(store: FakeIdentityStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    taken = await asyncio.gather(*(process.quota.take(CALLER) for _ in range(5)), return_exceptions=True)
    slots = [slot for slot in taken if isinstance(slot, QuotaSlot)]
    assert len(slots) == 3 and await process.is_used_up()
    slots[0].release()
    slots[0].release()
    assert not await process.is_used_up()


async def test_processes_agree_within_a_poll(store: FakeIdentityStore, clock: FakeClock) -> None:
    here, there = Process(store, clock), Process(store, clock)
    assert not await there.is_used_up()
    for _ in range(3):
        await here.call()
    await here.uses.flush()
    assert not await there.is_used_up()
    clock.advance(POLL_S)
    assert await there.is_used_up()


async def test_the_last_figure_holds_while_the_store_is_away(store: FakeIdentityStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    await process.call()
    await process.call()
    await process.uses.flush()
    store.is_away = True
    clock.advance(POLL_S)
    await process.call()
    clock.advance(POLL_S)
    assert await process.is_used_up()
