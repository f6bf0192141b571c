"""`/v1/chat/completions/metrics/tokens-per-second`. Source: spec 01 §9 (3.8.1, 3.8.2)."""

from typing import Final

from quart import Response

from gatewayz.areas.chat_metrics.service import OfferQuery, SpeedQuery, all_time_speeds, recent_speeds
from gatewayz.telemetry.metrics.exposition import TEXT
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route

__all__ = ["ROUTES"]


async def show_tokens_per_second(call: Call) -> Response:
    """Tokens per second of each offer in the last hour, week, month or years."""
    query = read_query(SpeedQuery)
    text = await recent_speeds(call.services.observation, query, call.edition.clock.now())
    return Response(text, content_type=TEXT)


async def show_all_tokens_per_second(call: Call) -> Response:
    """Tokens per second of each offer over all time that is kept."""
    query = read_query(OfferQuery)
    text = await all_time_speeds(call.services.observation, query, call.edition.clock.now())
    return Response(text, content_type=TEXT)


_PATH: Final = "/v1/chat/completions/metrics/tokens-per-second"

ROUTES: Final = (
    Route(
        method="GET",
        path=_PATH,
        handler=show_tokens_per_second,
        guard="public",
        query=SpeedQuery,
        content_type="text/plain",
    ),
    Route(
        method="GET",
        path=f"{_PATH}/all",
        handler=show_all_tokens_per_second,
        guard="public",
        query=OfferQuery,
        content_type="text/plain",
    ),
)
"""Registered as fixed paths, beside the hot `POST /v1/chat/completions`."""
