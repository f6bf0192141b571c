import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewayz.config.sections.batches import Batches as BatchRules
from gatewayz.config.sections.batches import Files as FileRules
from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.batches import runner as runner_module
from gatewayz.domain.batches.batches import Batches
from gatewayz.domain.batches.runner import BatchRunner, Outcome
from gatewayz.domain.files.files import Files
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.batch_records import Batch, BatchState, LineResult, TakenLine
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

CHAT = "/v1/chat/completions"
RULES = BatchRules(poll_s=0.01, retry_s=0.01, concurrency=2, window_s=3600)


class Calls:
    """Answers every line, unless told otherwise."""

    def __init__(self) -> None:
        self.behave: Callable[[Batch, TakenLine], Awaitable[Outcome | None]] | None = None
        self.made: list[tuple[int, int]] = []
        self.undone: list[tuple[int, int]] = []
        self.busy = False

    def check_model(self, endpoint: str, model: str) -> None:
        pass

    async def call(self, batch: Batch, line: TakenLine) -> Outcome:
        self.made.append((line.number, line.attempt))
        outcome = None if self.behave is None else await self.behave(batch, line)
        return outcome or Outcome(result=LineResult(request_id="r", status=200, body=b"{}"))

    async def undo(self, batch: Batch, line: TakenLine) -> None:
        self.undone.append((line.number, line.attempt))

    def is_busy(self) -> bool:
        return self.busy


class Shop:
    """Batches on a real store, and who runs them."""

    def __init__(self, store: SqlStore, user_id: int) -> None:
        self.store, self.user_id = store, user_id
        self.clock, self.calls = FakeClock(), Calls()
        self.files = Files(store.files, self.clock, FileRules)
        self.batches = Batches(store.batches, self.files, self.clock, lambda: RULES)
        self.runner = self.another()

    def another(self) -> BatchRunner:
        return BatchRunner(self.store.batches, self.files, self.calls, self.clock, rules_of=lambda: RULES)

    async def ask(self, count: int = 3, user_id: int | None = None, content: bytes | None = None) -> Batch:
        user_id = user_id or self.user_id
        body = {"model": "m", "messages": []}
        lines = [{"custom_id": f"c{at}", "method": "POST", "url": CHAT, "body": body} for at in range(1, count + 1)]
        writer = await self.files.begin_upload(user_id, "lines.jsonl")
        await writer.write(content or b"\n".join(map(msgspec.json.encode, lines)))
        file = await writer.finish(None)
        return await self.batches.create(
            user_id, 1, endpoint=CHAT, input_file_id=file.public_id, metadata=None, output_ttl_s=None
        )

    async def now(self, batch: Batch) -> Batch:
        return await self.batches.find(batch.user_id, batch.public_id)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  (what is waited for tells nobody)
                await asyncio.sleep(0.005)

    async def until_in(self, state: BatchState, batch: Batch) -> None:
        async with asyncio.timeout(10):
            while (await self.now(batch)).state != state:  # noqa: ASYNC110  (what is waited for is in the store)
                await asyncio.sleep(0.01)

    async def read(self, public_id: str | None) -> list[Any]:
        assert public_id is not None
        content = self.files.content(await self.files.find(self.user_id, public_id))
        text = b"".join([chunk async for chunk in content])
        return [msgspec.json.decode(line) for line in text.splitlines()]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    shop = Shop(store, 0)
    shop.user_id = (await store.users.add_user(NewUser(email="a@example.com"), shop.clock.now())).id
    yield shop
    await store.aclose()


async def test_a_batch_comes_to_its_end_and_leaves_no_lines(shop: Shop) -> None:
    batch = await shop.ask(5)
    await shop.runner.round()
    done = await shop.now(batch)
    assert (done.state, done.completed, done.failed, done.total) == ("completed", 5, 0, 5)
    assert [each["custom_id"] for each in await shop.read(done.output_file_id)] == [f"c{at}" for at in range(1, 6)]
    assert await shop.store.batches.list_lines(batch.id, is_good=True, after=0, limit=9) == []
    assert shop.calls.undone == []


async def test_a_batch_that_failed_once_is_run_while_another_goes_on(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    other = (await shop.store.users.add_user(NewUser(email="b@example.com"), shop.clock.now())).id
    long, short = await shop.ask(1), await shop.ask(1, other)
    may_end, failures = asyncio.Event(), [StoreUnavailable("away for a moment")]

    async def behave(batch: Batch, line: TakenLine) -> None:
        if batch.id == long.id:
            await may_end.wait()
        elif failures:
            raise failures.pop()

    shop.calls.behave = behave
    round = asyncio.ensure_future(shop.runner.round())
    await shop.until(lambda: "away for a moment" in caplog.text)
    assert f"batch {short.public_id} stopped" in caplog.text
    await asyncio.sleep(0.05)
    assert (await shop.now(short)).state == "in_progress"
    shop.clock.advance(runner_module._FAILED_RETRY_S)
    await shop.until_in("completed", short)
    assert (await shop.now(long)).state == "in_progress"
    may_end.set()
    await round
    assert (await shop.now(long)).state == "completed"


async def test_a_failure_that_stays_ends_the_round(shop: Shop) -> None:
    batch = await shop.ask(1)

    async def behave(batch: Batch, line: TakenLine) -> None:
        raise StoreUnavailable("away")

    shop.calls.behave = behave
    with pytest.raises(StoreUnavailable):
        await shop.runner.round()
    shop.calls.behave = None
    await shop.runner.round()
    assert (await shop.now(batch)).state == "completed"
    assert shop.calls.undone == [(1, 1)] and shop.calls.made == [(1, 1), (1, 2)]


async def test_a_reader_whose_batch_goes_on_elsewhere_deletes_nothing(shop: Shop) -> None:
    """It lost its lease, and finds the input file deleted when it wakes up."""
    batch = await shop.ask(3)
    may_end = asyncio.Event()

    async def behave(batch: Batch, line: TakenLine) -> None:
        await may_end.wait()

    shop.calls.behave = behave
    round = asyncio.ensure_future(shop.runner.round())
    await shop.until(lambda: len(shop.calls.made) == 2)
    await shop.files.remove(shop.user_id, batch.input_file_id)
    await shop.another()._read(batch)  # as it saw the batch: validating
    may_end.set()
    await round
    done = await shop.now(batch)
    assert (done.state, done.completed, done.problems) == ("completed", 3, ())


async def test_a_wrong_file_fails_and_tells_once(shop: Shop) -> None:
    batch = await shop.ask(content=b"{")
    await shop.runner.round()
    failed = await shop.now(batch)
    assert failed.state == "failed" and [each.code for each in failed.problems] == ["invalid_json_line"]
    assert shop.calls.made == []


async def test_a_line_a_dead_process_left_is_taken_back_before_it_runs_again(shop: Shop) -> None:
    batch = await shop.ask(2)
    await shop.runner._read(batch)
    await shop.store.batches.take_line(batch.id)
    await shop.runner.round()
    assert shop.calls.undone == [(1, 1)]
    assert sorted(shop.calls.made) == [(1, 2), (2, 1)]
    assert (await shop.now(batch)).completed == 2


async def test_an_answer_that_comes_while_it_is_taken_back_is_not_kept(shop: Shop) -> None:
    """A process that was paused goes on between the refund and the next attempt: one of them only."""
    batch = await shop.ask(1)
    await shop.runner._read(batch)
    stale = await shop.store.batches.take_line(batch.id)
    assert stale is not None
    kept: list[bool] = []
    undo = shop.calls.undo

    async def undo_slowly(batch: Batch, line: TakenLine) -> None:
        await undo(batch, line)
        late = LineResult(request_id="late", status=200, body=b"{}")
        kept.append(await shop.store.batches.finish_line(batch.id, stale, late))

    shop.calls.undo = undo_slowly  # type: ignore[method-assign]
    await shop.runner.round()
    assert kept == [False] and shop.calls.made == [(1, 2)]
    assert (await shop.now(batch)).completed == 1


async def test_an_answer_that_came_first_is_not_taken_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = await shop.ask(1)
    await shop.runner._read(batch)
    stale = await shop.store.batches.take_line(batch.id)
    assert stale is not None
    list_running = shop.store.batches.list_running

    async def answered_meanwhile(batch_id: int) -> Any:
        found = await list_running(batch_id)
        result = LineResult(request_id="first", status=200, body=b"{}")
        await shop.store.batches.finish_line(batch_id, stale, result)
        return found

    monkeypatch.setattr(shop.store.batches, "list_running", answered_meanwhile)
    await shop.runner.round()
    assert shop.calls.undone == [] and shop.calls.made == []
    assert (await shop.now(batch)).state == "completed"


async def test_who_ends_a_line_too_late_takes_its_own_charge_back(shop: Shop) -> None:
    batch = await shop.ask(1)

    async def behave(batch: Batch, line: TakenLine) -> None:
        if line.attempt == 1:  # another process takes the line over meanwhile
            await shop.store.batches.begin_undo(batch.id, line)
            await shop.store.batches.put_back(batch.id, line)

    shop.calls.behave = behave
    await shop.runner.round()
    assert shop.calls.undone == [(1, 1)] and shop.calls.made == [(1, 1), (1, 2)]
    assert (await shop.now(batch)).completed == 1


async def test_a_cancelled_batch_ends_though_the_process_is_busy(shop: Shop) -> None:
    batch = await shop.ask(3)
    shop.calls.busy = True
    round = asyncio.ensure_future(shop.runner.round())
    await shop.until_in("in_progress", batch)
    await shop.batches.cancel(shop.user_id, batch.public_id)
    await asyncio.wait_for(round, 10)
    done = await shop.now(batch)
    assert done.state == "cancelled" and shop.calls.made == []
    assert {each["error"]["code"] for each in await shop.read(done.error_file_id)} == {"batch_cancelled"}


async def test_what_is_not_run_in_time_expires(shop: Shop) -> None:
    batch = await shop.ask(4)

    async def behave(batch: Batch, line: TakenLine) -> None:
        shop.clock.advance(RULES.window_s)

    shop.calls.behave = behave
    await shop.runner.round()
    done = await shop.now(batch)
    assert done.state == "expired" and 0 < done.completed < 4
    assert {each["error"]["code"] for each in await shop.read(done.error_file_id)} == {"batch_expired"}
    assert len(await shop.read(done.output_file_id)) == done.completed


async def test_another_attempt_is_made_of_what_may_end_otherwise(shop: Shop) -> None:
    batch = await shop.ask(1)
    busy = Outcome(result=LineResult(request_id="r", status=429, body=b"{}"), may_retry=True)

    async def behave(batch: Batch, line: TakenLine) -> Outcome | None:
        return busy if line.attempt < 3 else None

    shop.calls.behave = behave
    await shop.runner.round()
    assert shop.calls.made == [(1, 1), (1, 2), (1, 3)]
    assert (await shop.now(batch)).completed == 1
