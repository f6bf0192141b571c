"""What the batch routes take and show. Source: OpenAI API reference, Batch."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatewayz.store.batch_records import BatchState

__all__ = ["BatchBody", "BatchList", "BatchObject", "BatchesQuery", "Counts", "OutputExpiry", "Problem", "Problems"]

PublicId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Word = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")]
Note = Annotated[str, Meta(max_length=512, pattern=r"^[^\x00]*$")]


class OutputExpiry(msgspec.Struct, frozen=True, kw_only=True):
    """How long the files of a batch are kept after its end."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=3600, le=2_592_000)]


class BatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/batches`."""

    input_file_id: PublicId
    endpoint: Literal["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"]
    completion_window: Literal["24h"]
    metadata: Annotated[dict[Word, Note], Meta(max_length=16)] | None = None
    output_expires_after: OutputExpiry | None = None


class BatchesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/batches`."""

    after: PublicId | None = None
    """Id of the last batch of the page before."""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How far a batch is."""

    total: int
    completed: int
    failed: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a batch cannot be run."""

    code: str
    message: str
    param: str | None
    line: int | None


class Problems(msgspec.Struct, frozen=True, kw_only=True):
    """All that is wrong with an input file, the first hundred."""

    object: Literal["list"] = "list"
    data: list[Problem]


class BatchObject(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; moments are in Unix seconds."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    model: str | None
    errors: Problems | None
    input_file_id: str
    completion_window: str
    status: BatchState
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: Counts
    metadata: dict[str, str] | None


class BatchList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of batches."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool
