"""Lines of batches as calls: what an attempt without an answer was charged is given back, once."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.operations import Balances
from gatewayz.flow.batches import PipelineCalls
from gatewayz.flow.gateway import Gateway
from gatewayz.store.batch_records import Batch, TakenLine
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url
from tests.fakes.flow import Scene, WireFake

LINE = TakenLine(number=1, custom_id="c", body=b"{}", attempt=1)


async def close() -> None:
    pass


class Broken:
    """A fault of the gateway that shows after the line was charged."""

    def __init__(self, shop: "Shop") -> None:
        self._shop = shop

    async def holder_of(self, key_id: int) -> Caller:
        await self._shop.charge()
        raise RuntimeError("a fault")


class Shop:
    """A customer with 100, and a line that holds 50 and costs 30."""

    def __init__(self, ledger: Ledger, clock: FakeClock, user_id: int) -> None:
        self.ledger, self.user_id = ledger, user_id
        gateway = Gateway()
        gateway.install(Scene(a=WireFake(b"")).edition, close)
        self.calls = PipelineCalls(gateway, Broken(self), ledger, lambda: 0)
        self.batch = Batch(
            id=1,
            public_id="batch_1",
            user_id=user_id,
            key_id=1,
            endpoint="/v1/chat/completions",
            input_file_id="file-1",
            completion_window="24h",
            metadata=None,
            state="in_progress",
            created_at=clock.now(),
            expires_at=clock.now(),
        )

    async def hold(self) -> None:
        await self.ledger.authorize(self.user_id, 50, f"{self.user_id}:batch_1.1.1")

    async def charge(self) -> None:
        await self.hold()
        await self.ledger.capture(self.user_id, f"{self.user_id}:batch_1.1.1", held=50, cost=30)

    async def refunds(self) -> int:
        return [entry.kind for entry in await self.ledger.list_entries(self.user_id)].count("refund")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    store, clock = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False)), FakeClock()
    user_id = (await store.users.add_user(NewUser(email="a@example.com"), clock.now())).id
    ledger = Ledger(store.ledger, clock)
    await ledger.deposit(user_id, Parts(0, 0, 100), kind="purchase", key="fund", counter="clearing")
    yield Shop(ledger, clock, user_id)
    await ledger.aclose()
    await store.aclose()


async def test_an_attempt_that_was_charged_is_refunded_once(shop: Shop) -> None:
    await shop.charge()
    assert await shop.ledger.balances(shop.user_id) == Balances(purchased=70)
    for _ in range(2):
        await shop.calls.undo(shop.batch, LINE)
    assert await shop.ledger.balances(shop.user_id) == Balances(purchased=100)
    assert await shop.refunds() == 1


async def test_an_attempt_that_holds_is_released(shop: Shop) -> None:
    await shop.hold()
    await shop.calls.undo(shop.batch, LINE)
    assert await shop.ledger.balances(shop.user_id) == Balances(purchased=100)
    assert await shop.refunds() == 0


async def test_an_attempt_that_came_to_nothing_needs_no_undoing(shop: Shop) -> None:
    await shop.calls.undo(shop.batch, LINE)
    assert await shop.ledger.balances(shop.user_id) == Balances(purchased=100)


async def test_a_line_that_ends_as_an_internal_error_is_not_charged(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await shop.calls.call(shop.batch, LINE)
    assert outcome.result.status == 500 and msgspec.json.decode(outcome.result.body)["error"]
    assert await shop.ledger.balances(shop.user_id) == Balances(purchased=100)
    assert "gave no answer: the charge is refunded" in caplog.text
