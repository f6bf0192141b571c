from datetime import timedelta

from gatewayz.domain.usage.key_uses import KeyUses
from tests.fakes.clock import FakeClock
from tests.fakes.identity_store import FakeIdentityStore
from tests.fakes.settlements import settlement


async def test_uses_are_counted_for_each_key_and_told_once() -> None:
    clock, store = FakeClock(), FakeIdentityStore()
    uses = KeyUses(store, clock)
    for key_id in (1, 2, 1, None):
        uses.record(settlement(key_id=key_id))
    await uses.flush()
    await uses.flush()
    assert [(use.key_id, use.requests) for use in store.uses] == [(1, 2), (2, 1)]


async def test_uses_are_kept_while_the_store_is_away() -> None:
    clock, store = FakeClock(), FakeIdentityStore()
    uses = KeyUses(store, clock)
    uses.record(settlement(key_id=1))
    store.is_away = True
    await uses.flush()
    clock.advance(60)
    uses.record(settlement(key_id=1))
    store.is_away = False
    await uses.aclose()
    assert [(use.requests, use.last_used_at) for use in store.uses] == [(2, clock.now())]
    assert clock.now() - FakeClock().now() == timedelta(seconds=60)
