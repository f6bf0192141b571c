"""`/v1/batches`, in OpenAI's shape. Source: OpenAI API reference, Batch."""

from typing import Final

from quart import Response

from gatewayz.areas.batches.schema import BatchBody, BatchesQuery, BatchList, BatchObject
from gatewayz.areas.batches.service import show_batch, show_batches
from gatewayz.sdk.errors import PermissionRefused
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def create_batch(call: Call) -> Response:
    """Have every line of a file answered, within 24 hours and at half the price.

    The lines are read in the background: what is wrong with them is told by the batch, in `errors`.
    """
    body = await read_json(BatchBody)
    if call.caller.key_id is None:
        raise PermissionRefused("This route needs the key of a user.")
    batch = await call.services.batches.create(
        call.user_id,
        call.caller.key_id,
        endpoint=body.endpoint,
        input_file_id=body.input_file_id,
        metadata=body.metadata,
        output_ttl_s=None if body.output_expires_after is None else body.output_expires_after.seconds,
    )
    return json_response(show_batch(batch))


async def list_batches(call: Call) -> Response:
    """The caller's batches, newest first."""
    query = read_query(BatchesQuery)
    found = await call.services.batches.list_batches(call.user_id, after=query.after, limit=query.limit + 1)
    return json_response(show_batches(list(found), query.limit))


async def show_one_batch(call: Call, batch_id: str) -> Response:
    """How far a batch is, and the files it ended with."""
    return json_response(show_batch(await call.services.batches.find(call.user_id, batch_id)))


async def cancel_batch(call: Call, batch_id: str) -> Response:
    """Begin no further line of a batch. Lines under way end; what is answered is in the output file."""
    return json_response(show_batch(await call.services.batches.cancel(call.user_id, batch_id)))


_B: Final = "/v1/batches"
_ONE: Final = f"{_B}/<batch_id>"

ROUTES: Final = (
    Route(method="POST", path=_B, handler=create_batch, guard="user", body=BatchBody, answer=BatchObject),
    Route(method="GET", path=_B, handler=list_batches, guard="user", query=BatchesQuery, answer=BatchList),
    Route(method="GET", path=_ONE, handler=show_one_batch, guard="user", answer=BatchObject),
    Route(method="POST", path=f"{_ONE}/cancel", handler=cancel_batch, guard="user", answer=BatchObject),
)
