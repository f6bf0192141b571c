import asyncio
import os
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatewayz.domain.identity import authenticator as module
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.identity.keys import KeyVault, MintedKey
from gatewayz.sdk.errors import AuthenticationFailed, StoreUnavailable
from gatewayz.sdk.secret import Secret
from tests.fakes.clock import FakeClock
from tests.fakes.identity_store import FakeIdentityStore, holder

VAULT = KeyVault(Secret("s" * 32), {1: Secret("A" * 43 + "=")}, 1, os.urandom)


def text_of(minted: MintedKey) -> bytes:
    return minted.text.reveal().encode()


class Bench:
    """An authenticator with one known key."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeIdentityStore()
        self.auth = Authenticator(self.store, VAULT, self.clock)
        self.minted = VAULT.mint("live")
        self.key = text_of(self.minted)
        self.store.put(holder(self.minted.sealed))

    async def refused(self) -> str:
        with pytest.raises(AuthenticationFailed) as caught:
            await self.auth.authenticate(self.key)
        return caught.value.code


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.auth.catch_up()
    return bench


async def test_a_known_key_costs_one_query_in_all(bench: Bench) -> None:
    assert bench.auth.cached(bench.key) is None
    caller = await bench.auth.load(bench.key)
    assert (caller.user_id, caller.key_id) == (1, 1)
    assert bench.auth.cached(bench.key) is caller
    assert await bench.auth.authenticate(bench.key) is caller
    assert bench.store.looked_up == 1


async def test_requests_that_wait_for_one_key_share_a_query(bench: Bench) -> None:
    bench.store.gate = asyncio.Event()
    waiting = [asyncio.create_task(bench.auth.load(bench.key)) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # the first one leaves; the others still get their answer
    await asyncio.sleep(0)
    bench.store.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert len({id(caller) for caller in found[1:]}) == 1
    assert bench.store.looked_up == 1


@pytest.mark.parametrize(
    "credential",
    [
        b"",
        b"sk-proj-123",
        b"gw_live_short",
        b"gw_live_" + b"a" * 44,
        b"gw_prod_" + b"a" * 43,
        b"\x00" * 51,
        b"x" * 100_000,
        b"gw_live_" + b"a" * 42 + b"\n",
        b"gw_live_" + b"'" * 43,
    ],
)
async def test_what_cannot_be_a_key_never_reaches_the_store(bench: Bench, credential: bytes) -> None:
    bench.store.is_away = True
    with pytest.raises(AuthenticationFailed) as caught:
        await bench.auth.authenticate(credential)
    assert caught.value.code == "INVALID_API_KEY"
    assert bench.store.looked_up == 0


async def test_keys_with_a_common_prefix_are_two_keys(bench: Bench) -> None:
    await bench.auth.load(bench.key)
    other = bench.key[:-1] + (b"A" if bench.key[-1:] != b"A" else b"B")
    assert bench.auth.cached(other) is None
    with pytest.raises(AuthenticationFailed):
        await bench.auth.load(other)


async def test_a_refused_key_is_asked_for_once_a_second(bench: Bench) -> None:
    bench.store.holders.clear()
    for _ in range(20):
        assert await bench.refused() == "INVALID_API_KEY"
    assert bench.store.looked_up == 1
    bench.store.put(holder(bench.minted.sealed))
    bench.clock.advance(module.REFUSAL_S)
    assert (await bench.auth.authenticate(bench.key)).key_id == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"revoked_at": FakeClock().now(), "is_active": False}, "API_KEY_REVOKED"),
        ({"is_active": False}, "INVALID_API_KEY"),
        ({"expires_at": FakeClock().now()}, "API_KEY_EXPIRED"),
    ],
)
async def test_keys_out_of_force(bench: Bench, changes: dict[str, Any], code: str) -> None:
    bench.store.put(holder(bench.minted.sealed, **changes))
    assert await bench.refused() == code
    assert await bench.refused() == code


async def test_a_disabled_user_has_no_valid_key(bench: Bench) -> None:
    found = holder(bench.minted.sealed)
    bench.store.put(msgspec.structs.replace(found, user=msgspec.structs.replace(found.user, is_active=False)))
    assert await bench.refused() == "INVALID_API_KEY"


async def test_a_key_expires_while_it_is_remembered(bench: Bench) -> None:
    bench.store.put(holder(bench.minted.sealed, expires_at=bench.clock.now() + timedelta(seconds=10)))
    await bench.auth.load(bench.key)
    bench.clock.advance(9.9)
    assert bench.auth.cached(bench.key) is not None
    bench.clock.advance(0.1)
    assert await bench.refused() == "API_KEY_EXPIRED"


async def test_a_revoked_key_is_forgotten_by_the_next_look_at_the_feed(bench: Bench) -> None:
    await bench.auth.load(bench.key)
    bench.store.change(holder(bench.minted.sealed, revoked_at=bench.clock.now()))
    assert bench.auth.cached(bench.key) is not None
    await bench.auth.catch_up()
    assert await bench.refused() == "API_KEY_REVOKED"


async def test_a_change_told_of_during_a_look_up_is_not_missed(bench: Bench) -> None:
    bench.store.gate = asyncio.Event()
    loading = asyncio.create_task(bench.auth.load(bench.key))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert bench.store.looked_up == 1  # the old row has been read
    bench.store.change(holder(bench.minted.sealed, revoked_at=bench.clock.now()))
    await bench.auth.catch_up()
    bench.store.gate.set()
    with pytest.raises(AuthenticationFailed):
        await loading
    assert await bench.refused() == "API_KEY_REVOKED"


async def test_keys_seen_before_the_feed_was_known_are_looked_up_again() -> None:
    bench = Bench()
    await bench.auth.load(bench.key)
    bench.store.change(holder(bench.minted.sealed, revoked_at=bench.clock.now()))
    await bench.auth.catch_up()
    assert await bench.refused() == "API_KEY_REVOKED"


async def test_known_keys_work_while_the_store_is_away_but_not_for_ever(bench: Bench) -> None:
    await bench.auth.load(bench.key)
    bench.store.is_away = True
    other = text_of(VAULT.mint("test"))
    for _ in range(5):
        bench.clock.advance(module.STALE_S / 5 - 0.1)
        await bench.auth.catch_up()
        assert (await bench.auth.authenticate(bench.key)).key_id == 1
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable):
            await bench.auth.authenticate(other)
    assert not bench.auth.stats().is_feed_current
    bench.clock.advance(1)
    with pytest.raises(StoreUnavailable):
        await bench.auth.authenticate(bench.key)
    bench.store.is_away = False
    await bench.auth.catch_up()
    assert (await bench.auth.authenticate(bench.key)).key_id == 1
    assert bench.auth.stats().is_feed_current
    await bench.auth.aclose()


async def test_an_old_entry_is_read_again_beside_the_request(bench: Bench) -> None:
    await bench.auth.load(bench.key)
    bench.store.put(holder(bench.minted.sealed, max_requests=5))  # changed without the feed
    bench.clock.advance(module.REFRESH_S)
    assert bench.auth.cached(bench.key) is not None
    await bench.auth.aclose()
    caller = bench.auth.cached(bench.key)
    assert caller is not None
    assert caller.max_requests == 5
    assert bench.store.looked_up == 2


async def test_a_refresh_under_way_does_not_let_a_revoked_key_pass(bench: Bench) -> None:
    await bench.auth.load(bench.key)
    bench.clock.advance(module.REFRESH_S)
    bench.store.gate = asyncio.Event()
    assert bench.auth.cached(bench.key) is not None  # starts the refresh
    await asyncio.sleep(0)
    bench.store.change(holder(bench.minted.sealed, revoked_at=bench.clock.now()))
    await bench.auth.catch_up()
    bench.store.gate.set()
    assert await bench.refused() == "API_KEY_REVOKED"
    await bench.auth.aclose()


async def test_the_least_used_entry_makes_room() -> None:
    clock, store = FakeClock(), FakeIdentityStore()
    auth = Authenticator(store, VAULT, clock, cache_entries=3)
    await auth.catch_up()
    keys = []
    for number in range(4):
        minted = VAULT.mint("live")
        store.put(holder(minted.sealed, user_id=number % 2, key_id=number))
        keys.append(text_of(minted))
    for key in keys[:3]:
        await auth.load(key)
    auth.cached(keys[0])
    await auth.load(keys[3])
    assert [auth.cached(key) is not None for key in keys] == [True, False, True, True]
    assert auth.stats().entries == 3


async def test_strangers_cannot_queue_without_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOADS_AT_ONCE", 3)
    bench.store.gate = asyncio.Event()
    waiting = [asyncio.create_task(bench.auth.load(text_of(VAULT.mint("live")))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable) as caught:
        await bench.auth.load(bench.key)
    assert caught.value.retry_after_s == 1.0
    bench.store.gate.set()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_following_goes_on_whatever_happens(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = Authenticator(bench.store, VAULT, bench.clock, poll_s=0.001)
    again = asyncio.Event()
    answers = iter([KeyError("a mistake of ours")])

    async def identity_revision() -> int:
        for mistake in answers:
            raise mistake
        again.set()
        return 0

    monkeypatch.setattr(bench.store, "identity_revision", identity_revision)
    task = asyncio.create_task(auth.follow())
    await asyncio.wait_for(again.wait(), 5)
    await asyncio.sleep(0.005)
    assert auth.stats().is_feed_current
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Revocation(RuleBasedStateMachine):
    """Whatever happens in whatever order: after a look at the feed, the answer is the store's."""

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.store = FakeIdentityStore()
        self.auth = Authenticator(self.store, VAULT, self.clock, cache_entries=3)
        self.minted = [VAULT.mint("live") for _ in range(4)]
        self.state = ["unknown"] * 4

    @rule(index=st.integers(0, 3), is_active=st.booleans())
    def change(self, index: int, is_active: bool) -> None:
        found = holder(self.minted[index].sealed, user_id=index // 2, key_id=index, is_active=is_active)
        self.store.change(found)
        self.state[index] = "valid" if is_active else "refused"
        self.loop.run_until_complete(self.auth.catch_up())

    @rule(index=st.integers(0, 3))
    def use(self, index: int) -> None:
        try:
            self.loop.run_until_complete(self.auth.authenticate(text_of(self.minted[index])))
            allowed = True
        except AuthenticationFailed:
            allowed = False
        assert allowed == (self.state[index] == "valid")

    @rule(seconds=st.floats(0, 400))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.loop.run_until_complete(self.auth.catch_up())

    @rule()
    def short_outage(self) -> None:
        self.store.is_away = True
        self.loop.run_until_complete(self.auth.catch_up())
        self.store.is_away = False

    @invariant()
    def bounded(self) -> None:
        if hasattr(self, "auth"):
            assert self.auth.stats().entries <= 3

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run_until_complete(self.auth.aclose())
            self.loop.close()


TestRevocation = Revocation.TestCase
TestRevocation.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
