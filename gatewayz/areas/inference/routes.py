"""Inference routes that are not hot: counting tokens. The hot ones are in `gatewayz.web.hot`."""

from typing import Final

import msgspec
from quart import Response, request

from gatewayz.dialects.anthropic_messages import prompt_texts
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES
from gatewayz.web.bodies import check_json_headers
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


class _Named(msgspec.Struct):
    model: str


async def count_message_tokens(call: Call) -> Response:
    """How many tokens a messages request reads, counted here: nothing is sent to a provider or charged."""
    check_json_headers(call.head)
    body = await request.body
    texts = prompt_texts(body)
    named = msgspec.json.decode(body, type=_Named).model
    pool = call.edition.pools.find(named)
    model = call.edition.catalog.resolve(named).id if pool is None else pool.name
    tokens = await call.edition.tokens.count(texts, model)
    return json_response({"input_tokens": tokens})


ROUTES: Final = tuple(
    Route(
        method="POST",
        path=f"{prefix}/messages/count_tokens",
        handler=count_message_tokens,
        guard="user",
        format=ANTHROPIC_MESSAGES,
    )
    for prefix in ("/v1", "/v1/v1")
)
