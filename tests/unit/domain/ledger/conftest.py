from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = await open_store(StoreSettings(url=url, migrate=False))
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def ledger(store: SqlStore, clock: FakeClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(store.ledger, clock)
    yield ledger
    await ledger.aclose()
    report = await ledger.audit()
    assert report.is_clean, report.findings


@pytest.fixture
async def user(store: SqlStore, clock: FakeClock) -> int:
    return (await store.users.add_user(NewUser(email="ann@example.com"), clock.now())).id
