"""Two providers of three models, calls that a test tells, and what follows from them."""

from typing import Any

from gatewayz.config.sections.providers import Breakers as BreakerRules
from gatewayz.config.settings import Settings
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.status.open import open_status
from gatewayz.sdk.observe import Attempt, Outcome
from gatewayz.sdk.offers import Offer, Price
from tests.fakes.clock import FakeClock
from tests.fakes.incident_store import FakeIncidentStore

__all__ = ["ONE", "THREE", "TWO", "StatusScene"]

ONE, TWO, THREE = "x/one", "x/two", "y/three"
PRICE = Price(input=1, output=1)


def model(name: str, *providers: str) -> Model:
    offers = tuple(Offer(model=name, provider=each, upstream_model="m", price=PRICE) for each in providers)
    return Model(id=name, name=name.title(), offers=offers)


class StatusScene:
    """`a` serves all three, `b` only the first one."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.settings = Settings()
        self.catalog = Catalog([model(ONE, "a", "b"), model(TWO, "a"), model(THREE, "a")], slugs={"alpha": "a"})
        self.breakers = Breakers(BreakerRules(), self.clock, ["a", "b"])
        self.view = Observation(self.clock, self.settings.observation)
        self.store = FakeIncidentStore()
        parts = open_status(self.settings, self.store, self.view, self.clock, lambda: (self.catalog, self.breakers))
        self.incidents, self.page, self.watch = parts

    def call(self, provider: str, name: str, outcome: Outcome = "success", times: int = 1, **more: Any) -> None:
        """Tell of calls, a second apart."""
        for _ in range(times):
            self.clock.advance(1)
            offer = Offer(model=name, provider=provider, upstream_model="m")
            fields: dict[str, Any] = {
                "request_id": "r",
                "offer": offer,
                "duration_ms": 100.0,
                "error_code": None if outcome == "success" else "UPSTREAM_BROKEN",
                **more,
            }
            self.view.record_attempt(Attempt(outcome=outcome, **fields))

    async def check(self) -> None:
        """Do a round of the watch, and read what came of it."""
        await self.watch.check()
        await self.incidents.refresh()
