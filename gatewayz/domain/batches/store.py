"""What batches need of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from gatewayz.store.batch_records import (
    Batch,
    BatchState,
    EventOf,
    LineResult,
    NewBatch,
    NewLine,
    TakenLine,
    WrittenLine,
)

__all__ = ["BatchStore"]


class BatchStore(Protocol):
    """Batches and their lines. Every method raises StoreUnavailable."""

    async def add(self, batch: NewBatch, now: datetime, max_open: int) -> Batch | None:
        """Keep a batch; None where its user has as many under way as are allowed."""
        ...

    async def find(self, user_id: int, public_id: str) -> Batch | None:
        """Return a user's batch."""
        ...

    async def load(self, batch_id: int) -> Batch | None:
        """Return a batch."""
        ...

    async def list_batches(self, user_id: int, *, after: int | None, limit: int) -> Sequence[Batch]:
        """Return a user's batches behind the one with an id, newest first."""
        ...

    async def list_open(self, limit: int) -> Sequence[Batch]:
        """Return batches of all users with something left to do, oldest first."""
        ...

    async def move(
        self,
        batch_id: int,
        states: Sequence[BatchState],
        state: BatchState,
        now: datetime,
        *,
        event_of: EventOf | None = None,
        **values: Any,
    ) -> Batch | None:
        """Bring a batch from one of some states to another, telling webhooks; None when it is in none of them."""
        ...

    async def clear_lines(self, batch_id: int, states: Sequence[BatchState]) -> None:
        """Forget the lines of a batch, a few a unit, as long as it is in one of some states."""
        ...

    async def clear_ended(self) -> None:
        """Forget the lines of batches that have ended: those of a process that died before it did."""
        ...

    async def add_lines(self, batch_id: int, lines: Sequence[NewLine]) -> None:
        """Keep lines to be run."""
        ...

    async def take_line(self, batch_id: int) -> TakenLine | None:
        """Begin the next attempt of the first waiting line; None when there is none or the batch is not in progress."""
        ...

    async def list_running(self, batch_id: int) -> Sequence[TakenLine]:
        """Return the lines that were taken and not ended, those that are being taken back among them."""
        ...

    async def begin_undo(self, batch_id: int, line: TakenLine) -> bool:
        """Refuse the answer of an attempt from now on; False when the line has ended or is at another one."""
        ...

    async def put_back(self, batch_id: int, line: TakenLine) -> bool:
        """Have a line wait again that was taken back; False when somebody else has done it."""
        ...

    async def try_again(self, batch_id: int, line: TakenLine) -> bool:
        """Begin another attempt of a line; False when it is no longer at this one."""
        ...

    async def finish_line(self, batch_id: int, line: TakenLine, result: LineResult) -> bool:
        """Keep what came of a line and count it; False when it is no longer at this attempt."""
        ...

    async def list_lines(self, batch_id: int, *, is_good: bool, after: int, limit: int) -> Sequence[WrittenLine]:
        """Return lines behind a number, few of large ones: those that went well, or all others, unrun ones too."""
        ...

    async def close(
        self,
        batch: Batch,
        state: BatchState,
        now: datetime,
        *,
        output_file_id: str | None,
        error_file_id: str | None,
        files_expire_at: datetime | None,
        event_of: EventOf,
    ) -> Batch | None:
        """End a batch: its files appear, webhooks are told; None when it has left its state meanwhile."""
        ...
