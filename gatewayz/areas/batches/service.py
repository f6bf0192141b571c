"""Batches as OpenAI's clients see them."""

from datetime import datetime

from gatewayz.areas.batches.schema import BatchList, BatchObject, Counts, Problem, Problems
from gatewayz.store.batch_records import Batch

__all__ = ["show_batch", "show_batches"]


def show_batch(batch: Batch) -> BatchObject:
    """Return a batch in OpenAI's shape."""
    problems = [
        Problem(code=each.code, message=each.message, param=each.param, line=each.line) for each in batch.problems
    ]
    return BatchObject(
        id=batch.public_id,
        endpoint=batch.endpoint,
        model=batch.model,
        errors=Problems(data=problems) if problems else None,
        input_file_id=batch.input_file_id,
        completion_window=batch.completion_window,
        status=batch.state,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        created_at=int(batch.created_at.timestamp()),
        in_progress_at=_seconds(batch.in_progress_at),
        expires_at=int(batch.expires_at.timestamp()),
        finalizing_at=_seconds(batch.finalizing_at),
        completed_at=_seconds(batch.completed_at),
        failed_at=_seconds(batch.failed_at),
        expired_at=_seconds(batch.expired_at),
        cancelling_at=_seconds(batch.cancelling_at),
        cancelled_at=_seconds(batch.cancelled_at),
        request_counts=Counts(total=batch.total, completed=batch.completed, failed=batch.failed),
        metadata=batch.metadata,
    )


def show_batches(found: list[Batch], limit: int) -> BatchList:
    """Return a page in OpenAI's shape.

    :param found: one more than the page holds, where there are more.
    """
    page = [show_batch(batch) for batch in found[:limit]]
    return BatchList(
        data=page,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
        has_more=len(found) > limit,
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
