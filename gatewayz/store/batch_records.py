"""Batches and their lines, as the store keeps them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import msgspec

from gatewayz.store.webhook_records import NewEvent

__all__ = [
    "OPEN_STATES",
    "Batch",
    "BatchProblem",
    "BatchState",
    "EventOf",
    "LineResult",
    "NewBatch",
    "NewLine",
    "TakenLine",
    "WrittenLine",
]

BatchState = Literal[
    "validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"
]
OPEN_STATES: Final[tuple[BatchState, ...]] = ("validating", "in_progress", "finalizing", "cancelling")
"""Those in which something is still to be done."""


class BatchProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a batch cannot be run."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None
    """Of the input file, from 1."""


class NewBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is asked for."""

    public_id: str
    """What its owner calls it: `batch_` and 24 hexadecimal digits."""
    user_id: int
    key_id: int
    """The key it was asked for with, which pays for its lines."""
    endpoint: str
    input_file_id: str
    """Public id; the file may be deleted once its lines have been read."""
    completion_window: str
    metadata: dict[str, str] | None
    expires_at: datetime
    output_ttl_s: int | None = None
    """How long its output files are kept, where its owner said so."""


class Batch(NewBatch, frozen=True, kw_only=True):
    """A batch."""

    id: int
    state: BatchState
    model: str | None = None
    """As its lines name it; None before they have been read."""
    problems: tuple[BatchProblem, ...] = ()
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: datetime
    in_progress_at: datetime | None = None
    finalizing_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    cancelling_at: datetime | None = None
    cancelled_at: datetime | None = None


EventOf = Callable[[Batch], NewEvent]
"""Tells what webhooks hear of a batch that has ended."""


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line to be run."""

    number: int
    """In the input file, from 1."""
    custom_id: str
    body: bytes


class TakenLine(NewLine, frozen=True, kw_only=True):
    """A line that is being run."""

    attempt: int
    """Which time, from 1: each is booked under an id of its own."""


class LineResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a line."""

    request_id: str
    status: int
    body: bytes
    """JSON: the answer, or the error object."""

    @property
    def is_good(self) -> bool:
        """Whether it goes to the output file."""
        return self.status < 400


class WrittenLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line, as its file tells of it."""

    number: int
    custom_id: str
    result: LineResult | None
    """None: it was not run."""
