"""Strangers over their limit, and keys they guess."""

import pytest

from gatewayz.config.sections.limits import NetworkLimits, VelocityMode
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.domain.limits.network import LOOK_UP_EVERY_S, LOOK_UPS_AT_ONCE, NetworkLimited, NetworkLimiter, Velocity
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def network(clock: FakeClock) -> NetworkLimiter:
    return NetworkLimiter(NetworkLimits(requests=3), Limiter(clock), Velocity(VelocityMode(), clock), clock)


def guesses(network: NetworkLimiter, count: int, address: str = "192.0.2.1") -> int:
    """Return how many of so many unknown keys would be looked up."""
    allowed = 0
    for _ in range(count):
        try:
            network.check_guess(address)
        except NetworkLimited as err:
            assert err.status == 429 and err.retry_after_s == 1
        else:
            allowed += 1
    return allowed


async def test_an_address_over_its_limit_has_few_keys_looked_up(network: NetworkLimiter, clock: FakeClock) -> None:
    for _ in range(3):
        await network.take("192.0.2.1", ())
        assert guesses(network, 5) == 5
    with pytest.raises(NetworkLimited):
        await network.take("192.0.2.1", ())
    assert guesses(network, 20) == LOOK_UPS_AT_ONCE
    assert guesses(network, 5, "192.0.2.2") == 5, "others are not concerned"
    clock.advance(LOOK_UP_EVERY_S)
    assert guesses(network, 5) == 1, "so that a valid key gets through"
    clock.advance(61)
    assert guesses(network, 5) == 5
