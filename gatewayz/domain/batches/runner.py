"""Runs batches: reads their lines, makes the calls, writes what came of them.

One process does it at a time, under a lease. Whatever it was at when it died, the next one goes on: a
batch is in one state, a line at one attempt, and each attempt is booked under an id of its own, so
that what an attempt was charged whose answer is lost can be given back.
Source: docs/decisions/0190-a-line-is-charged-once.md.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from gatewayz.config.sections.batches import Batches as BatchRules
from gatewayz.domain.batches.reading import LineReader
from gatewayz.domain.batches.store import BatchStore
from gatewayz.domain.batches.telling import end_told_at
from gatewayz.domain.batches.writing import write_file
from gatewayz.domain.files.files import Files
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import GatewayzError, ResourceNotFound
from gatewayz.store.batch_records import Batch, BatchProblem, BatchState, LineResult, NewLine, TakenLine

__all__ = ["BatchRunner", "LineCalls", "Outcome"]

_log = logging.getLogger("gatewayz.batches")
_LINES_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 1024 * 1024
_LOOKED_AT: Final = 200
"""Open batches, oldest first, among which those to be run are chosen."""
_YIELD_S: Final = 0.05
_LONGEST_RETRY_S: Final = 60.0
_FAILED_RETRY_S: Final = 10.0
"""How long a batch that failed waits for its next turn."""


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


class _Run(NamedTuple):
    batch: Batch
    task: asyncio.Task[None]


class _Failure(NamedTuple):
    error: BaseException
    retry_at: float
    """By the monotonic clock."""


class BatchRunner:
    """One round runs until nothing is left to do.

    :param rules_of: gives the rules in force.
    """

    def __init__(
        self,
        store: BatchStore,
        files: Files,
        calls: LineCalls,
        clock: Clock,
        *,
        rules_of: Callable[[], BatchRules],
    ) -> None:
        self._store = store
        self._files = files
        self._calls = calls
        self._clock = clock
        self._rules_of = rules_of
        self._cancelled: frozenset[int] = frozenset()
        """Batches seen at the last look whose owners have called them off."""

    async def round(self) -> None:
        """Run what is open, and what is asked for meanwhile. Raises a failure that was the last thing to happen."""
        running: dict[int, _Run] = {}
        failed: dict[int, _Failure] = {}
        try:
            while True:
                found = await self._store.list_open(_LOOKED_AT)
                self._cancelled = frozenset(batch.id for batch in found if batch.state == "cancelling")
                self._start(found, running, failed)
                if not running:
                    break
                poll_s = self._rules_of().poll_s
                tasks = [run.task for run in running.values()]
                await asyncio.wait(tasks, timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
                for run in [run for run in running.values() if run.task.done()]:
                    del running[run.batch.id]
                    self._note_end(run.batch, run.task.exception(), failed)
        finally:
            await _cancel([run.task for run in running.values()])
        for failure in failed.values():
            raise failure.error

    def _start(self, found: Sequence[Batch], running: dict[int, _Run], failed: Mapping[int, _Failure]) -> None:
        """Start what has its turn: oldest first, one of each user, failed ones after a while."""
        now = self._clock.monotonic()
        for batch in found:
            if len(running) >= self._rules_of().running:
                return
            is_due = batch.id not in failed or failed[batch.id].retry_at <= now
            if is_due and all(batch.user_id != run.batch.user_id for run in running.values()):
                running[batch.id] = _Run(batch, asyncio.ensure_future(self.run(batch)))

    def _note_end(self, batch: Batch, error: BaseException | None, failed: dict[int, _Failure]) -> None:
        failed.pop(batch.id, None)
        if error is None:
            return
        failed[batch.id] = _Failure(error, self._clock.monotonic() + _FAILED_RETRY_S)
        trace = None if isinstance(error, GatewayzError) else error
        _log.warning("batch %s stopped, and is tried again: %s", batch.public_id, error, exc_info=trace)

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
        """Take the lines out of the input file; the batch is in progress then, or has failed.

        Lines are cleared only while the batch is seen in a state that has no use for them: this process may have lost
        its lease, and another one run what it has read.
        """
        await self._store.clear_lines(batch.id, ("validating",))  # of a reading that was broken off
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
            model = (reader.model or "")[:256]
            await self._store.move(batch.id, ("validating",), "in_progress", now, total=reader.count, model=model)
            return
        failed = await self._store.move(
            batch.id, ("validating",), "failed", now, event_of=end_told_at(now), problems=reader.problems
        )
        if failed is not None:
            _log_end(failed)
            await self._store.clear_lines(batch.id, ("failed",))

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
        await self._recover(batch)
        workers = [asyncio.ensure_future(self._work(batch)) for _ in range(self._rules_of().concurrency)]
        try:
            await asyncio.gather(*workers)
        finally:
            await _cancel(workers)
        await self._store.move(batch.id, ("in_progress",), "finalizing", self._clock.now())

    async def _work(self, batch: Batch) -> None:
        while self._clock.now() < batch.expires_at:
            if self._calls.is_busy():
                if batch.id in self._cancelled:
                    return
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
        if found.state == "cancelling":
            await self._recover(found)
        end = _end_of(found)
        output = await write_file(found, end, is_good=True, store=self._store, files=self._files)
        error = await write_file(found, end, is_good=False, store=self._store, files=self._files)
        now = self._clock.now()
        closed = await self._store.close(
            found,
            end,
            now,
            output_file_id=output,
            error_file_id=error,
            files_expire_at=self._files.expiry(found.output_ttl_s),
            event_of=end_told_at(now),
        )
        if closed is not None:
            _log_end(closed)
            await self._store.clear_lines(closed.id, (closed.state,))

    async def _recover(self, batch: Batch) -> None:
        """Have lines wait again that a process left behind which died, or is thought to have.

        Such a process may still come with an answer: it is refused from the claim on, before the charge is taken back,
        so that nobody gets both. An answer that came first ends the line.
        """
        while lines := await self._store.list_running(batch.id):
            for line in lines:
                if await self._store.begin_undo(batch.id, line):
                    await self._calls.undo(batch, line)
                    await self._store.put_back(batch.id, line)


def _end_of(batch: Batch) -> BatchState:
    if batch.state == "cancelling":
        return "cancelled"
    return "completed" if batch.completed + batch.failed == batch.total else "expired"


def _log_end(batch: Batch) -> None:
    counts = batch.completed, batch.total, batch.failed
    _log.info("batch %s is %s: %d of %d lines answered, %d refused", batch.public_id, batch.state, *counts)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
