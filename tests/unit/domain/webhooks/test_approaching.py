from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.bounds import DAY_MS, Bound
from gatewayz.domain.limits.limiter import Lease, Limiter
from gatewayz.domain.webhooks.approaching import Approaching
from gatewayz.sdk.errors import StoreUnavailable
from tests.fakes.clock import FakeClock

CALLER = Caller(user_id=7, key_id=3)
BOUND = Bound(name="requests_per_minute", key="k3:rm", limit=10)


class Told:
    def __init__(self, *listeners: int) -> None:
        self.listeners = frozenset(listeners)
        self.events: list[tuple[int, Mapping[str, Any], str | None]] = []
        self.is_away = False

    async def list_listeners(self, type: str) -> frozenset[int]:
        assert type == "rate_limit.approaching"
        return self.listeners

    async def emit(self, user_id: int, type: str, data: Mapping[str, Any], *, source: str | None = None) -> int:
        if self.is_away:
            raise StoreUnavailable("away")
        self.events.append((user_id, data, source))
        return 1


def watching(told: Told) -> Approaching:
    return Approaching(told, told)  # type: ignore[arg-type]


async def take(approaching: Approaching, limiter: Limiter, times: int, bound: Bound = BOUND) -> None:
    for _ in range(times):
        lease = await limiter.take((bound,), 1)
        assert isinstance(lease, Lease)
        approaching.observe(CALLER, lease)


async def test_four_fifths_are_told_once_a_window() -> None:
    told, clock = Told(7), FakeClock()
    approaching, limiter = watching(told), Limiter(clock)
    await approaching.learn()
    await take(approaching, limiter, 7)
    assert await approaching.round() == 0
    await take(approaching, limiter, 3)
    assert await approaching.round() == 1
    [(user_id, data, source)] = told.events
    assert user_id == 7 and source is not None and source.startswith("limit k3:rm ")
    assert (data["limit_type"], data["limit"], data["used"], data["remaining"]) == ("requests_per_minute", 10, 8, 2)
    assert (data["key_id"], data["window_seconds"]) == (3, 60.0)
    clock.advance(65)
    await take(approaching, limiter, 9)
    assert await approaching.round() == 1
    assert told.events[1][2] != source


async def test_a_window_of_the_clock_is_told_once_though_the_notes_are_less_than_a_period_apart() -> None:
    told, clock = Told(7), FakeClock()
    approaching, limiter = watching(told), Limiter(clock)
    await approaching.learn()
    day = Bound(name="daily_requests", key="u7:d", limit=10, slot_ms=DAY_MS, slots=1)
    clock.advance(DAY_MS / 1000 - clock.now().timestamp() % (DAY_MS / 1000) - 3600)  # an hour before midnight
    await take(approaching, limiter, 10, day)
    assert await approaching.round() == 1
    clock.advance(2 * 3600)
    await take(approaching, limiter, 10, day)
    assert await approaching.round() == 1
    assert len({source for _, _, source in told.events}) == 2


async def test_nothing_is_noted_for_who_does_not_listen_or_of_what_is_no_window() -> None:
    told = Told(8)
    approaching, limiter = watching(told), Limiter(FakeClock())
    await approaching.learn()
    await take(approaching, limiter, 10)
    told.listeners = frozenset([7])
    await approaching.learn()
    await take(approaching, limiter, 10, msgspec.structs.replace(BOUND, kind="bucket", key="k3:b"))
    assert await approaching.round() == 0


async def test_notes_wait_for_the_database() -> None:
    told = Told(7)
    approaching, limiter = watching(told), Limiter(FakeClock())
    await approaching.learn()
    await take(approaching, limiter, 10)
    told.is_away = True
    with pytest.raises(StoreUnavailable):
        await approaching.round()
    told.is_away = False
    assert await approaching.round() == 1
