import asyncio
import logging

import pytest

from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.errors import StoreUnavailable


class Work:
    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.rounds = 0
        self.third = asyncio.Event()

    async def __call__(self) -> None:
        self.rounds += 1
        if self.rounds == 3:
            self.third.set()
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault


async def test_a_failed_round_does_not_end_the_job() -> None:
    work = Work(ValueError("first"), None)
    task = asyncio.create_task(Periodic("count", work, every_s=0.001).run())
    async with asyncio.timeout(10):
        await work.third.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_trouble_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    away = StoreUnavailable("the database is away")
    job = Periodic("count", Work(away, away, ValueError("odd"), None, away), every_s=1)
    caplog.set_level(logging.INFO, "gatewayz.jobs")
    assert [await job.round() for _ in range(5)] == [False, False, False, True, False]
    assert [record.getMessage() for record in caplog.records] == [
        "the job 'count' failed: the database is away",
        "the job 'count' failed: ValueError: odd",
        "the job 'count' works again",
        "the job 'count' failed: the database is away",
    ]
    assert job.error == "the database is away"


async def test_pauses_differ_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("gatewayz.jobs.periodic.asyncio.sleep", sleep)
    draws = iter((0.0, 0.5, 1.0))
    with pytest.raises(asyncio.CancelledError):
        await Periodic("count", Work(), every_s=10, draw=lambda: next(draws)).run()
    assert pauses == pytest.approx([9.0, 10.0, 11.0])
