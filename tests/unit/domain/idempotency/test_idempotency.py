import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatewayz.domain.idempotency.idempotency import (
    MAX_ANSWER_BYTES,
    Answer,
    Claim,
    ClaimStore,
    Idempotency,
    claim_key,
    fingerprint,
)
from gatewayz.sdk.errors import Conflict, InvalidRequest, SchemaInvalid, StoreUnavailable
from gatewayz.store.sql.database import open_database
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url

ANSWER = Answer(headers={"content-type": "application/json", "x-model": "m"}, body=b'{"a":"\xc3\xa9"}')


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(open_database(sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()))
    yield opened
    await opened.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def idempotency(store: SqlStore, clock: FakeClock) -> Idempotency:
    return Idempotency(store.idempotency, clock)


async def claimed(idempotency: Idempotency, request: str = "r", user: int = 1) -> Claim:
    found = await idempotency.claim(user, "k", request, 120)
    assert isinstance(found, Claim)
    return found


async def test_running_then_the_answer_again(idempotency: Idempotency) -> None:
    claim = await claimed(idempotency)
    with pytest.raises(Conflict) as caught:
        await idempotency.claim(1, "k", "r", 120)
    assert (caught.value.code, caught.value.retry_after_s) == ("IDEMPOTENCY_CONFLICT", 1)
    await claim.done(ANSWER)
    assert await idempotency.claim(1, "k", "r", 120) == ANSWER


async def test_another_body_is_refused_and_another_user_is_free(idempotency: Idempotency) -> None:
    await claimed(idempotency)
    with pytest.raises(SchemaInvalid) as caught:
        await idempotency.claim(1, "k", "other", 120)
    assert caught.value.code == "IDEMPOTENCY_MISMATCH"
    assert (await claimed(idempotency, user=2)).run == 1


async def test_a_released_claim_is_the_next_run(idempotency: Idempotency) -> None:
    await (await claimed(idempotency)).release()
    assert (await claimed(idempotency, "other")).run == 2


async def test_spent_and_too_large_are_final(idempotency: Idempotency) -> None:
    large = Answer(headers=ANSWER.headers, body=b"x" * (MAX_ANSWER_BYTES + 1))
    await (await claimed(idempotency)).done(large)
    with pytest.raises(Conflict, match="256 KB") as caught:
        await idempotency.claim(1, "k", "r", 120)
    assert caught.value.headers == {"x-should-retry": "false"}


async def test_a_crashed_run_is_taken_over_and_its_late_end_is_not_noted(
    idempotency: Idempotency, clock: FakeClock
) -> None:
    crashed = await claimed(idempotency)
    clock.advance(121)
    assert await idempotency.forget() == 0
    second = await claimed(idempotency)
    assert second.run == 2
    await crashed.done(ANSWER)
    with pytest.raises(Conflict, match="running"):
        await idempotency.claim(1, "k", "r", 120)


async def test_answers_are_forgotten_after_a_day(idempotency: Idempotency, clock: FakeClock) -> None:
    await (await claimed(idempotency)).done(ANSWER)
    clock.advance(timedelta(days=1).total_seconds() + 1)
    assert await idempotency.forget() == 1
    assert (await claimed(idempotency)).run == 1


def test_keys_and_fingerprints() -> None:
    assert claim_key(None, "req_a") != claim_key(b"req_a", "req_b")
    for bad in (b"", b" ", b"x" * 256, "\xe9".encode(), b"a\x01"):
        with pytest.raises(InvalidRequest):
            claim_key(bad, "req_a")
    assert fingerprint("a", b"b") != fingerprint("ab", b"")


async def test_of_many_at_once_one_runs(idempotency: Idempotency) -> None:
    found = await asyncio.gather(*(idempotency.claim(1, "k", "r", 120) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(each, Claim) for each in found) == 1
    assert sum(isinstance(each, Conflict) for each in found) == 19


async def test_a_run_longer_than_its_claim_keeps_it(store: SqlStore, clock: FakeClock) -> None:
    here, there = Idempotency(store.idempotency, clock), Idempotency(store.idempotency, clock)
    claim = await claimed(here)
    for _ in range(10):
        clock.advance(61)
        await here.look_after()
        with pytest.raises(Conflict, match="running"):
            await there.claim(1, "k", "r", 120)
    await claim.done(ANSWER)
    clock.advance(600)
    await here.look_after()
    assert await there.claim(1, "k", "r", 120) == ANSWER


class Fickle:
    """A store that can be told to be away; counts renewals."""

    def __init__(self, behind: ClaimStore) -> None:
        self.behind = behind
        self.is_away = False

    async def claim(self, *of: Any) -> Any:
        return await self._there().claim(*of)

    async def finish(self, *of: Any) -> bool:
        return await self._there().finish(*of)

    async def renew(self, *of: Any) -> None:
        await self._there().renew(*of)

    async def forget(self, *of: Any) -> int:
        return await self._there().forget(*of)

    def _there(self) -> ClaimStore:
        if self.is_away:
            raise StoreUnavailable("gone")
        return self.behind


@pytest.mark.parametrize("end", ["done", "spent", "released"])
async def test_an_end_that_cannot_be_written_is_written_later(store: SqlStore, clock: FakeClock, end: str) -> None:
    fickle = Fickle(store.idempotency)
    here, there = Idempotency(fickle, clock), Idempotency(store.idempotency, clock)
    claim = await claimed(here)
    fickle.is_away = True
    with pytest.raises(StoreUnavailable):
        await here.claim(2, "k", "r", 120)
    await {"done": lambda: claim.done(ANSWER), "spent": claim.spent, "released": claim.release}[end]()
    with pytest.raises(Conflict, match="running"):
        await there.claim(1, "k", "r", 120)
    fickle.is_away = False
    await here.look_after()
    if end == "done":
        assert await there.claim(1, "k", "r", 120) == ANSWER
    elif end == "spent":
        with pytest.raises(Conflict, match="charged"):
            await there.claim(1, "k", "r", 120)
    else:
        assert (await claimed(there)).run == 2


async def test_answers_that_wait_for_the_store_are_bounded(store: SqlStore, clock: FakeClock) -> None:
    fickle = Fickle(store.idempotency)
    here = Idempotency(fickle, clock)
    claims = [await here.claim(1, f"k{number}", "r", 120) for number in range(130)]
    fickle.is_away = True
    large = Answer(headers=ANSWER.headers, body=b"x" * MAX_ANSWER_BYTES)
    for claim in claims:
        assert isinstance(claim, Claim)
        await claim.done(large)
    fickle.is_away = False
    await here.aclose()
    assert await here.claim(1, "k0", "r", 120) == large
    with pytest.raises(Conflict, match="not kept"):
        await here.claim(1, "k129", "r", 120)
