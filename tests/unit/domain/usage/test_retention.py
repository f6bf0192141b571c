from datetime import datetime, timedelta

from gatewayz.domain.usage.retention import Retention
from gatewayz.sdk.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.unit.domain.usage.test_usage_log import FakeUsageStore


class PruningStore(FakeUsageStore):
    asked: datetime | None = None

    async def prune_usage(self, before: datetime) -> int:
        if self.is_away:
            raise StoreUnavailable("away")
        self.asked = before
        return 3


async def test_rows_older_than_the_days_to_keep_go() -> None:
    clock, store = FakeClock(), PruningStore()
    retention = Retention(store, clock, keep_days=90)
    assert await retention.prune() == 3
    assert store.asked == clock.now() - timedelta(days=90)
    store.is_away = True
    assert await retention.prune() == 0
