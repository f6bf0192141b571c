"""`/v1/huggingface`. Ids contain slashes. Source: spec 02 §2 (4.5.1 to 4.5.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.huggingface.schema import AuthorQuery, DiscoveryQuery, SearchQuery
from gatewayz.areas.huggingface.service import list_models, show_card, show_details, show_files
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.sdk.hub import HubQuery
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

MAX_ID_LENGTH: Final = 200


async def discover_models(call: Call) -> Response:
    """The models that people like or load most."""
    query = read_query(DiscoveryQuery)
    asked = HubQuery(task=query.task, sort=query.sort, limit=query.limit, offset=query.offset)
    found = await list_models(call.services.hub, asked, call.edition.clock.now())
    return json_response({**found, "task": query.task, "sort": query.sort})


async def search_models(call: Call) -> Response:
    """Models whose id contains a text."""
    query = read_query(SearchQuery)
    asked = HubQuery(text=query.q, task=query.task, limit=query.limit, offset=query.offset)
    found = await list_models(call.services.hub, asked, call.edition.clock.now())
    return json_response({"query": query.q, **found})


async def list_author_models(call: Call, author: str) -> Response:
    """What one organisation or person has published."""
    query = read_query(AuthorQuery)
    asked = HubQuery(author=author[:MAX_ID_LENGTH], limit=query.limit, offset=query.offset)
    found = await list_models(call.services.hub, asked, call.edition.clock.now())
    return json_response({"author": author, **found})


async def show_model_details(call: Call, model_id: str) -> Response:
    """One model with its figures."""
    return json_response(await show_details(call.services.hub, _checked(model_id), call.edition.clock.now()))


async def show_model_card(call: Call, model_id: str) -> Response:
    """One model's card."""
    return json_response(await show_card(call.services.hub, _checked(model_id), call.edition.clock.now()))


async def show_model_files(call: Call, model_id: str) -> Response:
    """One model's files."""
    return json_response(await show_files(call.services.hub, _checked(model_id), call.edition.clock.now()))


def _checked(model_id: str) -> str:
    if len(model_id) > MAX_ID_LENGTH:
        raise ModelNotFound("no model hub has so long an id", param="model_id")
    return model_id


_MODEL: Final = "/v1/huggingface/models/<path:model_id>"

ROUTES: Final = (
    Route(
        method="GET", path="/v1/huggingface/discovery", handler=discover_models, guard="optional", query=DiscoveryQuery
    ),
    Route(method="GET", path="/v1/huggingface/search", handler=search_models, guard="optional", query=SearchQuery),
    Route(
        method="GET",
        path="/v1/huggingface/author/<author>/models",
        handler=list_author_models,
        guard="optional",
        query=AuthorQuery,
    ),
    Route(method="GET", path=f"{_MODEL}/details", handler=show_model_details, guard="optional"),
    Route(method="GET", path=f"{_MODEL}/card", handler=show_model_card, guard="optional"),
    Route(method="GET", path=f"{_MODEL}/files", handler=show_model_files, guard="optional"),
)
