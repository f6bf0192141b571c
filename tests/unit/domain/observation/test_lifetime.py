from datetime import timedelta

from gatewayz.config.sections.observing import Metrics
from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.domain.observation.observation import Observation
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import attempt


def successes(seen: Observation) -> dict[str, int]:
    return {provider: bucket.successes for (provider, _), bucket in seen.lifetime().items()}


def test_what_was_counted_stays_counted_when_its_minute_is_forgotten() -> None:
    clock = FakeClock()
    seen = Observation(clock, Rules())
    for pause in (0, 1, 59, 61, 200, 7_200, 86_400):
        clock.advance(pause)
        seen.record_attempt(attempt())
    clock.advance(90_000)
    seen.record_attempt(attempt("other"))
    assert successes(seen) == {"openai": 7, "other": 1}
    bucket = seen.lifetime()["openai", attempt().offer.model]
    assert bucket.attempts == bucket.latency.count == 7
    assert len(seen.recent(60)) == 1, "of the last hour there is one call"


def test_reading_changes_nothing() -> None:
    clock = FakeClock()
    seen = Observation(clock, Rules())
    for _ in range(5):
        seen.record_attempt(attempt())
        clock.advance(timedelta(minutes=1).total_seconds())
        before = successes(seen)
        assert successes(seen) == before
    assert successes(seen) == {"openai": 5}


def test_offers_beyond_the_bound_are_one_and_none_is_lost() -> None:
    clock = FakeClock()
    seen = Observation(clock, Rules(metrics=Metrics(max_offers=2)))
    for minute in range(4):
        for provider in (*("a", "b", "c", "d")[minute:], "a"):
            seen.record_attempt(attempt(provider))
        clock.advance(60)
    assert successes(seen) == {"a": 5, "b": 2, "other": 3 + 4}
