"""`GET /v1/generation`. Source: design 9; OpenRouter's endpoint of that name, read 2026-11-25, for the shape."""

from typing import Final

from quart import Response

from gatewayz.areas.generations.schema import GenerationAnswer, GenerationQuery
from gatewayz.areas.generations.service import Receipts
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_generation(call: Call) -> Response:
    """The receipt of one of the caller's own calls, by its request id (`X-Request-ID` of the answer)."""
    query = read_query(GenerationQuery)
    receipts = Receipts(call.services.store.usage, call.services.store.ledger)
    return json_response(GenerationAnswer(data=await receipts.show(call.user_id, query.id)))


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/generation",
        handler=show_generation,
        guard="user",
        query=GenerationQuery,
        answer=GenerationAnswer,
    ),
)
