from datetime import UTC, datetime

import pytest

from gatewayz.areas.chat_metrics.service import SpeedQuery, recent_speeds
from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.domain.observation.observation import Observation
from gatewayz.sdk.errors import InvalidRequest
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import settlement

NOW = datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)
HELP = (
    "# HELP gatewayz_tokens_per_second "
    "Output tokens per second of the calls that brought them, time to first content included."
)


async def test_a_sample_for_each_offer_that_wrote_tokens() -> None:
    seen = Observation(FakeClock(now=NOW), Rules())
    for _ in range(2):
        seen.record_settlement(settlement())  # 50 tokens in 813 ms each
    seen.record_settlement(settlement(charge=None, attempts=(), status=503))
    assert (await recent_speeds(seen, SpeedQuery(), NOW)).decode().splitlines() == [
        HELP,
        "# TYPE gatewayz_tokens_per_second gauge",
        'gatewayz_tokens_per_second{model="openai/gpt-4o-mini",provider="openai",'
        'requests="2",total_tokens="300"} 61.5006',
    ]


async def test_nothing_is_no_sample() -> None:
    seen = Observation(FakeClock(now=NOW), Rules())
    assert len((await recent_speeds(seen, SpeedQuery(time="1year"), NOW)).decode().splitlines()) == 2


async def test_unknown_times_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="hour, week") as refused:
        await recent_speeds(Observation(FakeClock(), Rules()), SpeedQuery(time="day"), NOW)
    assert refused.value.param == "time"
