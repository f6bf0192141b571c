import asyncio

import pytest

from gatewayz.domain.health.fresh import Fresh
from tests.fakes.clock import FakeClock


class Source:
    def __init__(self) -> None:
        self.asked = 0
        self.go_on = asyncio.Event()
        self.is_broken = False

    async def ask(self) -> int:
        self.asked += 1
        await self.go_on.wait()
        if self.is_broken:
            raise ValueError("broken")
        return self.asked


async def test_all_who_ask_at_a_time_share_one_answer() -> None:
    source, clock = Source(), FakeClock()
    fresh = Fresh(source.ask, clock, kept_s=2)
    waiting = [asyncio.create_task(fresh.get()) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.go_on.set()
    assert await asyncio.gather(*waiting[1:]) == [1] * 49
    clock.advance(1.9)
    assert await fresh.get() == 1
    clock.advance(0.2)
    assert await fresh.get() == 2


async def test_a_failure_is_told_and_not_kept() -> None:
    source = Source()
    source.go_on.set()
    source.is_broken = True
    fresh = Fresh(source.ask, FakeClock(), kept_s=60)
    with pytest.raises(ValueError):
        await fresh.get()
    source.is_broken = False
    assert await fresh.get() == 2
