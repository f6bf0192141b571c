"""Series for Grafana: which steps of time a panel is told of."""

from datetime import timedelta

from gatewayz.areas.grafana.schema import QueryBody, Target, TimeRange
from gatewayz.areas.grafana.service import query
from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.domain.observation.observation import Observation
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import settlement


async def test_a_minute_that_began_in_this_second_is_a_step() -> None:
    clock = FakeClock()
    assert clock.now().timestamp() % 60 == 0
    seen = Observation(clock, Rules())
    clock.advance(0.3)
    seen.record_settlement(settlement(attempts=(), charge=None, status=502, error_code="UPSTREAM_ERROR"))
    now = clock.now()
    panel = TimeRange(start=now - timedelta(hours=1), end=now)
    (series,) = await query(seen, QueryBody(range=panel, targets=[Target(target="total_requests")]), 0, now)
    assert sum(value for value, _ in series["datapoints"]) == 1
    assert max(at for _, at in series["datapoints"]) <= now.timestamp() * 1000
