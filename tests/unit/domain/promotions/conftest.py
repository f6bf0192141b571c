from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.promotions import Promotions, open_promotions
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser, User
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url

_numbers = count(1)


@dataclass
class Books:
    """A store with its ledger and the promotions on it."""

    store: SqlStore
    ledger: Ledger
    clock: FakeClock
    promotions: Promotions

    async def user(self, email: str | None = None) -> User:
        address = email or f"person{next(_numbers)}@example.com"
        return await self.store.users.add_user(NewUser(email=address), self.clock.now())

    async def again(self, user: User) -> User:
        found = await self.store.users.find_user(user.id)
        assert found is not None
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Books]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()
    store = await open_store(StoreSettings(url=url, migrate=False))
    clock = FakeClock()
    ledger = Ledger(store.ledger, clock)
    yield Books(store, ledger, clock, open_promotions(store, ledger, clock))
    await ledger.aclose()
    await store.aclose()
