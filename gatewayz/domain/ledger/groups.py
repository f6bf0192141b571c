"""Group commit: operations that arrive while one group is being committed share the next commit.

An operation whose outcome a caller has been promised (a charge, a release) is tried again until it
is booked; one that nobody relies on yet (a hold, an extension) fails with the store.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from gatewayz.domain.ledger.book import Book
from gatewayz.domain.ledger.operations import Operation
from gatewayz.sdk.errors import Conflict, GatewayzError, RequestError, StoreUnavailable
from gatewayz.store.ledger_records import LedgerBroken, LedgerChanges, LedgerScope, LedgerStore, LedgerView

__all__ = ["Groups", "OpenBook"]

R = TypeVar("R")
OpenBook = Callable[[LedgerView], Book]

GROUP_OPERATIONS: Final = 256
DRAWS: Final = 5
"""Tries for a group in which another process has drawn the same id."""
RETRY_S: Final = 0.5
RETRY_LIMIT_S: Final = 5.0
QUEUE_LIMIT: Final = 20_000

logger = logging.getLogger("gatewayz.ledger")


class _Waiting:
    """An operation and who waits for it. Cancelling the future changes nothing of what is booked."""

    __slots__ = ("future", "is_promised", "operation", "unwanted")

    def __init__(
        self,
        operation: Operation[Any],
        future: asyncio.Future[Any],
        is_promised: bool,
        unwanted: Callable[[], None] | None,
    ) -> None:
        self.operation = operation
        self.future = future
        self.is_promised = is_promised
        self.unwanted = unwanted

    def finish(self, outcome: object) -> None:
        if self.future.done():  # whoever waited has left
            if self.unwanted is not None and not isinstance(outcome, RequestError):
                self.unwanted()
            return
        if isinstance(outcome, BaseException):
            self.future.set_exception(outcome)
            self.future.exception()  # nobody may be waiting: that is no error of its own
        else:
            self.future.set_result(outcome)


class Groups:
    """Applies operations in groups, one group at a time.

    :param open_book: makes the book of a group from what was read.
    :param reseed: draws other ids, after another process has drawn the same ones.
    """

    def __init__(self, store: LedgerStore, open_book: OpenBook, reseed: Callable[[], None]) -> None:
        self._store = store
        self._open_book = open_book
        self._reseed = reseed
        self._queue: deque[_Waiting] = deque()
        self._later: list[_Waiting] = []
        """Promised operations that wait for the store to come back, oldest first."""
        self._committing: asyncio.Task[None] | None = None
        self._retrying: asyncio.Task[None] | None = None
        self.committed_groups = 0
        self.committed_operations = 0

    @property
    def backlog(self) -> int:
        """Promised operations not booked yet because the store is away."""
        return len(self._later)

    def submit(
        self, operation: Operation[R], *, is_promised: bool = False, unwanted: Callable[[], None] | None = None
    ) -> "asyncio.Future[R]":
        """Queue an operation; the future has its outcome once it is on disk.

        :param unwanted: called when the operation may have been booked, and the future was cancelled before.
        Raises StoreUnavailable when too many wait already; never for a promised one.
        """
        if len(self._queue) >= QUEUE_LIMIT and not is_promised:
            raise StoreUnavailable("Too many requests wait for the ledger.", retry_after_s=1.0)
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(operation, future, is_promised, unwanted))
        if self._committing is None:
            self._committing = asyncio.ensure_future(self._commit_all())
        return future

    async def drain(self) -> None:
        """Wait until the queue is empty; promised operations that wait for the store get one more try."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        self._queue.extendleft(reversed(self._later))
        self._later.clear()
        if self._queue and self._committing is None:
            self._committing = asyncio.ensure_future(self._commit_all())
        if self._committing is not None:
            await self._committing

    async def _commit_all(self) -> None:
        try:
            while self._queue:
                count = min(GROUP_OPERATIONS, len(self._queue))
                await self._commit([self._queue.popleft() for _ in range(count)])
        finally:
            self._committing = None

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            outcomes = await self._transact([waiting.operation for waiting in group])
        except StoreUnavailable as err:
            self._put_off(group, err)
            return
        except Exception as err:  # one operation the database refuses must not take its neighbours with it
            if len(group) == 1:
                logger.exception("the ledger refused %s", type(group[0].operation).__name__)
                group[0].finish(err if isinstance(err, GatewayzError) else LedgerBroken("The ledger refused to book."))
                return
            for waiting in group:
                await self._commit([waiting])
            return
        self.committed_groups += 1
        self.committed_operations += len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.finish(outcome)

    async def _transact(self, operations: Sequence[Operation[Any]]) -> list[object]:
        scope = _scope(operations)

        def decide(view: LedgerView) -> tuple[LedgerChanges, list[object]]:
            book = self._open_book(view)
            outcomes = [_outcome(operation, book) for operation in operations]
            return book.changes(), outcomes

        for draw in range(1, DRAWS + 1):
            try:
                return await self._store.transact(scope, decide)
            except Conflict:
                if draw == DRAWS:
                    raise
                self._reseed()
        raise AssertionError("the last draw returns or raises")

    def _put_off(self, group: list[_Waiting], err: StoreUnavailable) -> None:
        if not self._later:
            logger.warning("the ledger's database is away: %s", err)
        for waiting in group:
            waiting.finish(StoreUnavailable(err.message, retry_after_s=err.retry_after_s))
            if waiting.is_promised:
                self._later.append(waiting)
        if self._later and self._retrying is None:
            self._retrying = asyncio.ensure_future(self._retry())

    async def _retry(self) -> None:
        wait_s = RETRY_S
        try:
            while self._later:
                await asyncio.sleep(wait_s)
                group, self._later = self._later[:GROUP_OPERATIONS], self._later[GROUP_OPERATIONS:]
                before = len(self._later)
                try:
                    await self._commit(group)
                except asyncio.CancelledError:
                    self._later = group + self._later  # booked or not: a repeat changes nothing
                    raise
                is_back = len(self._later) == before
                wait_s = 0.0 if is_back else min(max(wait_s * 2, RETRY_S), RETRY_LIMIT_S)
            logger.info("the ledger has caught up with its database")
        finally:
            self._retrying = None


def _scope(operations: Sequence[Operation[Any]]) -> LedgerScope:
    return LedgerScope(
        user_ids=list({operation.user_id for operation in operations}),
        hold_keys=list({key for operation in operations if (key := operation.hold_key) is not None}),
        entry_keys=list({key for operation in operations if (key := operation.entry_key) is not None}),
        new_wallets=sorted({operation.user_id for operation in operations if operation.makes_wallet}),
        is_durable=any(operation.is_durable for operation in operations),
    )


def _outcome(operation: Operation[Any], book: Book) -> object:
    try:
        return operation.apply(book)
    except GatewayzError as err:
        return err
