"""What the owner's webhooks hear of a batch that has ended. Source: docs/webhooks.md."""

from collections.abc import Callable
from datetime import datetime

from gatewayz.store.batch_records import Batch
from gatewayz.store.webhook_records import NewEvent, event_of, milliseconds

__all__ = ["end_told_at"]


def end_told_at(now: datetime) -> Callable[[Batch], NewEvent]:
    """Return what makes the event of a batch that ends now, however it does."""

    def tell(batch: Batch) -> NewEvent:
        data = {
            "batch_id": batch.public_id,
            "status": batch.state,
            "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
            "output_file_id": batch.output_file_id,
            "error_file_id": batch.error_file_id,
        }
        return event_of(batch.user_id, "batch.completed", data, milliseconds(now), source=batch.public_id)

    return tell
