import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.observation.totals import by_model, by_provider, total
from gatewayz.domain.observation.traffic import NOBODY, Traffic
from gatewayz.sdk.interfaces import Charge
from gatewayz.sdk.observe import Attempt, Outcome
from gatewayz.sdk.offers import Offer
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import charge, settlement

MODEL = "vendor/model"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def seen(clock: FakeClock) -> Observation:
    return Observation(clock, Rules(max_offers=5))


def attempt(provider: str = "a", outcome: Outcome = "success", model: str = MODEL, **more: Any) -> Attempt:
    offer = Offer(model=model, provider=provider, upstream_model="m")
    fields: dict[str, Any] = {"request_id": "r", "offer": offer, "outcome": outcome, "duration_ms": 100.0}
    return Attempt(**fields | more)


def paid(provider: str = "a", model: str = MODEL) -> Charge:
    bill = charge()
    return Charge(
        hold=bill.hold,
        offer=Offer(model=model, provider=provider, upstream_model="m"),
        usage=bill.usage,
        cost=bill.cost,
        charged=bill.charged,
    )


def request(seen: Observation, *attempts: Attempt, user_id: int | None = 7, **more: Any) -> None:
    """Tell of a request as the flow does."""
    for each in attempts:
        seen.record_attempt(each)
    served = attempts and attempts[-1].outcome == "success"
    offer = attempts[-1].offer if attempts else None
    defaults: dict[str, Any] = {
        "attempts": attempts,
        "user_id": user_id,
        "charge": paid(offer.provider, offer.model) if served and offer else None,
        "status": 200 if served else 502,
        "error_code": None if served else "UPSTREAM_ERROR",
        "model": MODEL,
    }
    seen.record_settlement(settlement(**defaults | more))


def only(traffic: Sequence[Traffic]) -> Traffic:
    assert len(traffic) == 1
    return traffic[0]


def test_n_requests_move_every_counter_by_n(seen: Observation) -> None:
    for number in range(40):
        request(seen, attempt(duration_ms=250.0, first_content_ms=50.0), user_id=number % 4)
    seen.record_probe("a", MODEL, ok=False, duration_ms=3.0, error_code="TIMEOUT")
    one = only(seen.recent())
    assert (one.provider, one.model) == ("a", MODEL)
    assert (one.attempts, one.successes, one.requests, one.failed_requests, one.faults) == (40, 40, 40, 0, 0)
    assert (one.input_tokens, one.output_tokens) == (4000, 2000)
    assert (one.cost, one.charged, one.output_ms, one.users) == (1_800_000, 1_800_000, 10_000, 4)
    assert (one.probes, one.failed_probes) == (1, 1)
    assert (one.latency.count, one.first_content.count) == (40, 40)
    assert one.latency.mean() == 250.0
    assert one.latency.quantile(0.5) == pytest.approx(250.0, rel=0.05)
    assert one.first_content.quantile(0.95) == pytest.approx(50.0, rel=0.05)


def test_each_outcome_is_its_own_counter(seen: Observation) -> None:
    outcomes: tuple[Outcome, ...] = ("fault", "rate_limited", "caller_fault", "abandoned")
    for outcome in outcomes:
        seen.record_attempt(attempt(outcome=outcome))
    one = only(seen.recent())
    assert (one.attempts, one.successes) == (4, 0)
    assert (one.faults, one.rate_limited, one.caller_faults, one.abandoned) == (1, 1, 1, 1)
    assert one.latency.count == 0


def test_a_request_is_counted_where_it_ended(seen: Observation) -> None:
    request(seen, attempt("a", "fault"), attempt("b"))
    request(seen, attempt("a", "fault"), attempt("b", "fault"))
    request(seen, attempt("a", "abandoned"), status=499, error_code=None)
    parts = {part.provider: part for part in seen.recent()}
    assert (parts["a"].attempts, parts["a"].requests, parts["a"].failed_requests) == (3, 1, 0)
    assert (parts["b"].attempts, parts["b"].requests, parts["b"].failed_requests) == (2, 2, 1)


def test_a_request_that_nobody_could_be_asked_for_is_counted_all_the_same(seen: Observation) -> None:
    request(seen, status=503, error_code="NO_OFFER_LEFT")
    request(seen, attempt())
    assert {(part.provider, part.requests, part.failed_requests) for part in seen.recent()} == {
        (NOBODY, 1, 1),
        ("a", 1, 0),
    }
    assert by_provider(seen.recent()).keys() == {"a"}
    assert by_model(seen.recent())[MODEL].requests == 2
    assert seen.states().keys() == {("a", MODEL)}


def test_sums_have_the_quantiles_and_users_of_the_whole(seen: Observation) -> None:
    for number in range(90):
        request(seen, attempt("a", duration_ms=100.0), user_id=number % 10)
    for number in range(10):
        request(seen, attempt("b", duration_ms=9000.0), user_id=number)
    whole = total(seen.recent(), provider="all")
    assert (whole.provider, whole.requests, whole.users, whole.latency.count) == ("all", 100, 10, 100)
    assert whole.latency.mean() == pytest.approx(990.0)
    assert whole.latency.quantile(0.5) == pytest.approx(100.0, rel=0.05)
    assert whole.latency.quantile(0.95) == pytest.approx(9000.0, rel=0.05)
    assert total([]).latency.quantile(0.5) is None
    # The parts are not changed by being summed.
    assert sorted(part.requests for part in seen.recent()) == [10, 90]


async def test_windows_move_with_time(seen: Observation, clock: FakeClock) -> None:
    start = clock.now()
    request(seen, attempt())
    clock.advance(60 * 30)
    request(seen, attempt())
    assert only(seen.recent(10)).requests == 1
    assert only(seen.recent(30)).requests == 2
    assert only(await seen.between(start, clock.now())).requests == 1
    assert only(await seen.between(start, clock.now() + timedelta(seconds=1))).requests == 2
    begun = start + timedelta(milliseconds=1)
    assert only(await seen.between(start - timedelta(minutes=1), begun)).requests == 1, "a minute that has just begun"
    assert [(point.start, point.traffic.requests) for point in await seen.series(start, clock.now(), "minute")] == [
        (start, 1)
    ]
    hours = await seen.series(start, clock.now() + timedelta(minutes=1), "hour")
    assert [(point.start, point.traffic.requests) for point in hours] == [(start, 2)]
    clock.advance(60 * 61)
    request(seen, attempt("b"))
    assert only(seen.recent()).provider == "b"


def test_the_last_minutes_are_told_one_by_one_and_over_all_models_of_a_provider(
    seen: Observation, clock: FakeClock
) -> None:
    def told() -> list[tuple[float, str, int, int]]:
        start = clock.now().timestamp() // 60
        return [
            (point.start.timestamp() / 60 - start, point.traffic.provider, point.traffic.requests, point.traffic.faults)
            for point in seen.recent_series()
        ]

    request(seen, attempt())
    request(seen, attempt(model="vendor/other", outcome="fault"))
    assert told() == [(0, "a", 2, 1)]
    clock.advance(60)
    request(seen, attempt("b"))
    request(seen, attempt("b"))
    assert told() == [(-1, "a", 2, 1), (0, "b", 2, 0)]
    assert seen.recent_series()[1].traffic.latency.quantile(0.5) == pytest.approx(100, rel=0.05)
    clock.advance(60 * 60)
    assert told() == [(-60, "b", 2, 0)]
    clock.advance(60)
    assert told() == []


async def test_filters(seen: Observation, clock: FakeClock) -> None:
    request(seen, attempt("a"))
    request(seen, attempt("b", model="vendor/other"))
    end = clock.now() + timedelta(minutes=1)
    assert only(await seen.between(clock.now(), end, provider="b")).model == "vendor/other"
    assert only(await seen.between(clock.now(), end, model=MODEL)).provider == "a"
    assert await seen.between(clock.now(), end, provider="b", model=MODEL) == []


def test_more_offers_than_allowed_are_counted_as_one(seen: Observation) -> None:
    for number in range(9):
        request(seen, attempt(model=f"vendor/{number}"))
    parts = {part.model: part for part in seen.recent()}
    assert len(parts) == 6 and parts["other"].requests == 4
    assert len(seen.states()) == 5


async def test_the_job_counts_without_a_reader(seen: Observation) -> None:
    task = asyncio.create_task(seen.run())
    for _ in range(250):
        seen.record_attempt(attempt())
    for _ in range(1000):
        if not seen.pending:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    assert seen.pending == 0
    assert only(seen.recent()).attempts == 250


def test_facts_follow_attempts_and_probes(seen: Observation, clock: FakeClock) -> None:
    first = clock.now()
    seen.record_attempt(attempt(duration_ms=80.0))
    clock.advance(5)
    seen.record_attempt(attempt(outcome="fault", provider_status=503, error_code="UPSTREAM_ERROR", duration_ms=12.0))
    state = seen.states()["a", MODEL]
    assert (state.last_outcome, state.last_status, state.last_error) == ("fault", 503, "UPSTREAM_ERROR")
    assert (state.last_success_at, state.last_failure_at, state.last_called_at) == (first, clock.now(), clock.now())
    assert (state.last_response_ms, state.consecutive_failures) == (12.0, 1)
    seen.record_attempt(attempt(outcome="rate_limited", provider_status=429, error_code="RATE_LIMITED"))
    assert seen.states()["a", MODEL].consecutive_failures == 1
    seen.record_probe("a", MODEL, ok=True, duration_ms=9.0)
    state = seen.states()["a", MODEL]
    assert (state.last_outcome, state.consecutive_failures, state.last_response_ms) == ("success", 0, 9.0)
