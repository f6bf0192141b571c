from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore
from tests.fakes.databases import postgres_url, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = await open_store(StoreSettings(url=url, migrate=False))
    yield store
    await store.aclose()
