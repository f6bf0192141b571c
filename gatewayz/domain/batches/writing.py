"""The files a batch ends with: a line of JSON for each of its lines.

Source: OpenAI API reference, Batch, "The request output object".
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from gatewayz.domain.batches.store import BatchStore
from gatewayz.domain.files.files import Files, FileWriter
from gatewayz.store.batch_records import Batch, BatchState, WrittenLine

__all__ = ["write_file"]

_LINES_AT_ONCE: Final = 50
_UNRUN: Final[Mapping[BatchState, dict[str, str]]] = {
    "expired": {
        "code": "batch_expired",
        "message": "This request could not be executed before the completion window expired.",
    },
    "cancelled": {
        "code": "batch_cancelled",
        "message": "This request was not executed: the batch was cancelled.",
    },
}


async def write_file(batch: Batch, end: BatchState, *, is_good: bool, store: BatchStore, files: Files) -> str | None:
    """Return the id of the output file, or of the error file; None where it would be empty.

    Nobody sees it before the batch is closed; a file that is left behind is pruned.
    """
    writer: FileWriter | None = None
    after = 0
    while lines := await store.list_lines(batch.id, is_good=is_good, after=after, limit=_LINES_AT_ONCE):
        if writer is None:
            kind = "output" if is_good else "error"
            writer = await files.begin_output(batch.user_id, f"{batch.public_id}_{kind}.jsonl")
        for line in lines:
            await writer.write(_text(batch, line, end))
        after = lines[-1].number
    if writer is None:
        return None
    await writer.flush()
    return writer.public_id


def _text(batch: Batch, line: WrittenLine, end: BatchState) -> bytes:
    result = line.result
    response = None
    if result is not None:
        body = msgspec.Raw(result.body)
        response = {"status_code": result.status, "request_id": result.request_id, "body": body}
    shown = {
        "id": f"batch_req_{batch.public_id.removeprefix('batch_')}_{line.number}",
        "custom_id": line.custom_id,
        "response": response,
        "error": _UNRUN[end] if response is None else None,
    }
    return msgspec.json.encode(shown) + b"\n"
