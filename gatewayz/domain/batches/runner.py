"""Runs batches: reads their lines, makes the calls, writes what came of them.

One process does it at a time, under a lease. Whatever it was at when it died, the next one goes on: a
batch is in one state, a line at one attempt, and each attempt is booked under an id of its own, so
that what an attempt was charged whose answer is lost can be given back.
Source: docs/decisions/0190-a-line-is-charged-once.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Final, Protocol

import msgspec

from gatewayz.config.sections.batches import Batches as BatchRules
from gatewayz.domain.batches.reading import LineReader
from gatewayz.domain.batches.store import BatchStore
from gatewayz.domain.batches.writing import write_file
from gatewayz.domain.files.files import Files
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.store.batch_records import Batch, BatchProblem, BatchState, LineResult, NewLine, TakenLine

__all__ = ["BatchListener", "BatchRunner", "LineCalls", "Outcome"]

BatchListener = Callable[[Batch], Awaitable[None]]
"""Hears of a batch that has ended; never raises."""

_log = logging.getLogger("gatewayz.batches")
_LINES_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 1024 * 1024
_LOOKED_AT: Final = 200
"""Open batches, oldest first, among which those to be run are chosen."""
_YIELD_S: Final = 0.05
_LONGEST_RETRY_S: Final = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt."""

    result: LineResult
    may_retry: bool = False
    """Whether another attempt could end otherwise."""
    retry_after_s: float | None = None


class LineCalls(Protocol):
    """Makes the calls."""

    def check_model(self, endpoint: str, model: str) -> None:
        """Raise GatewayzError for a model that cannot be called."""
        ...

    async def call(self, batch: Batch, line: TakenLine) -> Outcome:
        """Make an attempt. Raises StoreUnavailable: what came of it is not known then."""
        ...

    async def undo(self, batch: Batch, line: TakenLine) -> None:
        """Take back what an attempt was charged or holds. Raises StoreUnavailable."""
        ...

    def is_busy(self) -> bool:
        """Whether callers who wait have all the time there is."""
        ...


class BatchRunner:
    """One round runs until nothing is left to do.

    :param rules_of: gives the rules in force.
    :param listeners: who hears of batches that have ended.
    """

    def __init__(
        self,
        store: BatchStore,
        files: Files,
        calls: LineCalls,
        clock: Clock,
        *,
        rules_of: Callable[[], BatchRules],
        listeners: Collection[BatchListener] = (),
    ) -> None:
        self._store = store
        self._files = files
        self._calls = calls
        self._clock = clock
        self._rules_of = rules_of
        self._listeners = listeners

    async def round(self) -> None:
        """Run what is open, and what is asked for meanwhile. Raises the first failure, after the other batches."""
        running: dict[int, asyncio.Task[None]] = {}
        owners: dict[int, int] = {}
        failed: dict[int, BaseException] = {}
        try:
            while True:
                for batch in await self._store.list_open(_LOOKED_AT):
                    is_next = batch.id not in running and batch.id not in failed
                    if is_next and batch.user_id not in owners.values() and len(running) < self._rules_of().running:
                        running[batch.id] = asyncio.ensure_future(self.run(batch))
                        owners[batch.id] = batch.user_id
                if not running:
                    break
                poll_s = self._rules_of().poll_s
                await asyncio.wait(running.values(), timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
                for batch_id in [batch_id for batch_id, task in running.items() if task.done()]:
                    del owners[batch_id]
                    if (error := running.pop(batch_id).exception()) is not None:
                        failed[batch_id] = error
        finally:
            await _cancel(running.values())
        for error in failed.values():
            raise error

    async def run(self, batch: Batch) -> None:
        """Bring one batch to its end. Raises StoreUnavailable."""
        if batch.state == "validating":
            await self._read(batch)
        if await self._is_in("in_progress", batch):
            await self._run_lines(batch)
        await self._end(batch)

    async def _is_in(self, state: BatchState, batch: Batch) -> bool:
        now = await self._store.load(batch.id)
        return now is not None and now.state == state

    async def _read(self, batch: Batch) -> None:
        """Take the lines out of the input file; the batch is in progress then, or has failed."""
        await self._store.clear_lines(batch.id)  # of a reading that was broken off
        reader = LineReader(
            batch.endpoint, self._rules_of(), lambda model: self._calls.check_model(batch.endpoint, model)
        )
        try:
            file = await self._files.find(batch.user_id, batch.input_file_id)
            await self._keep_lines(batch, reader, self._files.content(file))
        except ResourceNotFound:
            gone = "The input file was deleted before it was read."
            reader.problems.append(BatchProblem(code="file_not_found", message=gone, param="input_file_id"))
        now = self._clock.now()
        if not reader.problems:
            values = {"total": reader.count, "model": (reader.model or "")[:256]}
            await self._store.move(batch.id, ("validating",), "in_progress", now, **values)
            return
        await self._store.clear_lines(batch.id)
        failed = await self._store.move(batch.id, ("validating",), "failed", now, problems=reader.problems)
        if failed is not None:
            await self._tell(failed)

    async def _keep_lines(self, batch: Batch, reader: LineReader, content: AsyncIterator[bytes]) -> None:
        lines: list[NewLine] = []
        size = 0
        async for line in reader.read(content):
            if reader.problems:
                continue  # nothing will be run
            lines.append(line)
            size += len(line.body)
            if len(lines) >= _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
                await self._store.add_lines(batch.id, lines)
                lines, size = [], 0
        if lines:
            await self._store.add_lines(batch.id, lines)

    async def _run_lines(self, batch: Batch) -> None:
        """Run lines until none waits, the batch is cancelled or its time is up."""
        for line in await self._store.list_running(batch.id):  # those of a process that died
            await self._calls.undo(batch, line)
            await self._store.put_back(batch.id, line)
        workers = [asyncio.ensure_future(self._work(batch)) for _ in range(self._rules_of().concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            await _cancel(workers)
        await self._store.move(batch.id, ("in_progress",), "finalizing", self._clock.now())

    async def _work(self, batch: Batch) -> None:
        while self._clock.now() < batch.expires_at:
            if self._calls.is_busy():
                await asyncio.sleep(_YIELD_S)
                continue
            line = await self._store.take_line(batch.id)
            if line is None:
                return
            await self._run_line(batch, line)

    async def _run_line(self, batch: Batch, line: TakenLine) -> None:
        rules = self._rules_of()
        pause_s = rules.retry_s
        for tries_left in reversed(range(rules.attempts)):
            outcome = await self._calls.call(batch, line)
            if not (outcome.may_retry and tries_left and await self._store.try_again(batch.id, line)):
                break
            line = msgspec.structs.replace(line, attempt=line.attempt + 1)
            await asyncio.sleep(min(max(pause_s, outcome.retry_after_s or 0.0), _LONGEST_RETRY_S))
            pause_s *= 2
        if not await self._store.finish_line(batch.id, line, outcome.result):
            await self._calls.undo(batch, line)  # another process has taken the batch over

    async def _end(self, batch: Batch) -> None:
        """Write the files and end the batch, if its lines are through."""
        found = await self._store.load(batch.id)
        if found is None or found.state not in ("finalizing", "cancelling"):
            return
        end = await self._end_state(found)
        output = await write_file(found, end, is_good=True, store=self._store, files=self._files)
        error = await write_file(found, end, is_good=False, store=self._store, files=self._files)
        closed = await self._store.close(
            found,
            end,
            self._clock.now(),
            output_file_id=output,
            error_file_id=error,
            files_expire_at=self._files.expiry(found.output_ttl_s),
        )
        if closed is not None:
            await self._tell(closed)

    async def _end_state(self, batch: Batch) -> BatchState:
        if batch.state == "cancelling":
            for line in await self._store.list_running(batch.id):  # those of a process that died
                await self._calls.undo(batch, line)
                await self._store.put_back(batch.id, line)
            return "cancelled"
        return "completed" if batch.completed + batch.failed == batch.total else "expired"

    async def _tell(self, batch: Batch) -> None:
        _log.info(
            "batch %s is %s: %d of %d lines answered, %d refused",
            batch.public_id,
            batch.state,
            batch.completed,
            batch.total,
            batch.failed,
        )
        for listener in self._listeners:
            await listener(batch)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
