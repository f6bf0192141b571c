import pytest

from gatewayz.config.sections.observing import Observation as Rules
from gatewayz.domain.observation.conditions import joint_condition
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.observation.traffic import Condition
from gatewayz.sdk.observe import Attempt, Outcome
from gatewayz.sdk.offers import Offer
from tests.fakes.clock import FakeClock

LETTERS: dict[str, Outcome] = {"s": "success", "f": "fault", "r": "rate_limited", "c": "caller_fault", "a": "abandoned"}


def tell(seen: Observation, outcomes: str, provider: str = "p", model: str = "m") -> None:
    offer = Offer(model=model, provider=provider, upstream_model="m")
    for letter in outcomes:
        seen.record_attempt(Attempt(request_id="r", offer=offer, outcome=LETTERS[letter], duration_ms=1.0))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def seen(clock: FakeClock) -> Observation:
    return Observation(clock, Rules())


@pytest.mark.parametrize(
    ("outcomes", "condition"),
    [
        ("", "unknown"),
        ("rca", "unknown"),
        ("s", "healthy"),
        ("f", "degraded"),
        ("ff", "degraded"),
        ("fff", "down"),
        ("sfrff", "down"),
        ("ffs", "down"),
        ("fss", "degraded"),
        ("sf", "degraded"),
        ("s" * 9 + "f", "degraded"),
        ("f" + "s" * 10, "healthy"),
        ("s" * 100 + "fff", "down"),
        ("sccccrrrr", "healthy"),
    ],
)
def test_an_offer(seen: Observation, outcomes: str, condition: Condition) -> None:
    tell(seen, outcomes)
    assert seen.condition(provider="p", model="m") == condition


def test_an_outage_shows_and_passes(seen: Observation, clock: FakeClock) -> None:
    tell(seen, "sssss")
    assert seen.condition(provider="p") == "healthy"
    tell(seen, "fff")
    assert seen.condition(provider="p") == "down"
    tell(seen, "s")
    assert seen.condition(provider="p") == "degraded"
    clock.advance(60 * 16)
    assert seen.condition(provider="p") == "healthy"  # the last thing known of it
    tell(seen, "fff")
    clock.advance(60 * 60 * 5)
    assert seen.condition(provider="p") == "down"  # nobody has seen it come back
    clock.advance(60 * 60 * 19)
    assert seen.condition(provider="p") == "unknown"


def test_probes_count_as_calls(seen: Observation) -> None:
    for _ in range(3):
        seen.record_probe("p", "m", ok=False, duration_ms=1.0, error_code="TIMEOUT")
    assert seen.condition(provider="p", model="m") == "down"


def test_providers_and_models_and_everything(seen: Observation) -> None:
    tell(seen, "s", "up", "x")
    tell(seen, "fff", "down", "x")
    tell(seen, "fff", "down", "y")
    tell(seen, "r", "up", "z")
    assert seen.condition(provider="up") == "healthy"
    assert seen.condition(provider="down") == "down"
    assert seen.condition(model="x") == "degraded"
    assert seen.condition(model="y") == "down"
    assert seen.condition(model="z") == "unknown"
    assert seen.condition() == "degraded"
    assert seen.condition(provider="nobody") == "unknown"
    assert seen.states()["down", "y"].condition == "down"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), "unknown"),
        (("unknown",), "unknown"),
        (("down", "unknown"), "down"),
        (("healthy", "down"), "degraded"),
        (("healthy", "degraded"), "degraded"),
        (("healthy", "healthy"), "healthy"),
    ],
)
def test_joint_conditions(parts: tuple[Condition, ...], whole: Condition) -> None:
    assert joint_condition(parts) == whole
