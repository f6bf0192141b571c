"""The model lists, for OpenAI's and Anthropic's clients on the same path, and what is asked of models.

Source: spec 02 §2 (4.1.1-4.1.4, 4.1.7-4.1.11, 25.11).
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

import msgspec
from quart import Response, request

from gatewayz.areas.catalog import compare as comparing
from gatewayz.areas.catalog import search as searching
from gatewayz.areas.catalog.current import CurrentLists
from gatewayz.areas.catalog.hub import MAX_ENRICHED, with_metrics
from gatewayz.areas.catalog.service import (
    ANTHROPIC_LIMIT,
    LIMIT,
    DeveloperQuery,
    ListQuery,
    ModelLists,
    check_range,
    wants_anthropic_shape,
)
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound, SchemaInvalid
from gatewayz.web.bodies import read_json
from gatewayz.web.pages import Page, PageCache, answer_page, make_page, tag_of
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

_LISTS: Final = CurrentLists()
_PAGES: Final = PageCache(32 * 1024 * 1024)
"""Of all editions of this process: a page is found by its query and by the version of the rows it was made of."""
_VARY: Final = "anthropic-version, accept-encoding"


T = TypeVar("T")


class OneQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How one model is shown."""

    gateway: str | None = None
    include_huggingface: bool = True


class CompareQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which gateways are compared."""

    gateways: str = "all"


class DetailQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"other_id": "modelId", "name": "modelName"}):
    """Which model is described: by its id, or by maker and name."""

    model_id: str | None = None
    other_id: str | None = None
    developer: str | None = None
    name: str | None = None
    gateway: str | None = None
    include_huggingface: bool = True


async def list_models(call: Call) -> Response:
    """Models that can be called, a page at a time; the shape is that of the client that asks."""
    asked = _strictly(lambda: read_query(ListQuery))
    lists = await _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        cursors = (ANTHROPIC_LIMIT if asked.limit is None else asked.limit, asked.after_id, asked.before_id)
        return await _kept(lists, ("anthropic", *cursors), lambda: _plain(lists.anthropic_page(*cursors)))
    now = call.edition.clock.now()
    if asked.include_huggingface:
        check_range("limit", asked.limit or LIMIT, 1, MAX_ENRICHED)
        page = lists.openai_page(asked)
        data = await with_metrics(lists, call.services.hub, page.data)
        return await _made(call, msgspec.structs.replace(page, data=data, include_huggingface=True))
    return await _kept(lists, ("openai", asked), lambda: make_page(lists.openai_page(asked), now))


async def list_developer_models(call: Call, developer: str) -> Response:
    """The models of one maker; a word that is a model's name instead shows that model."""
    asked = _strictly(lambda: read_query(DeveloperQuery))
    lists = await _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return await _show(call, developer, OneQuery())
    if not lists.is_developer(developer):
        shown = OneQuery(gateway=asked.gateway, include_huggingface=asked.include_huggingface is not False)
        try:
            return await _show(call, developer, shown)
        except ModelNotFound:  # a maker nobody knows has no models
            return await _made(call, lists.developer_page(developer, asked))
    if asked.include_huggingface:
        check_range("limit", asked.limit or LIMIT, 1, MAX_ENRICHED)
        page = lists.developer_page(developer, asked)
        models = await with_metrics(lists, call.services.hub, page.models)
        return await _made(call, msgspec.structs.replace(page, models=models))
    key, now = ("developer", developer, asked), call.edition.clock.now()
    return await _kept(lists, key, lambda: make_page(lists.developer_page(developer, asked), now))


async def show_model(call: Call, model_id: str) -> Response:
    """One model, by any of its names; slashes may come encoded."""
    return await _show(call, model_id, _strictly(lambda: read_query(OneQuery)))


async def _show(call: Call, name: str, asked: OneQuery) -> Response:
    lists = await _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return await answer_page(_plain(lists.anthropic_model(name)), is_hit=False, vary=_VARY)
    model, _ = lists.find(name, asked.gateway)
    metrics = await call.services.hub.metrics(model) if asked.include_huggingface else msgspec.UNSET
    return await _made(call, lists.openai_model(name, gateway=asked.gateway, metrics=metrics))


async def list_unique_models(call: Call) -> Response:
    """Each model once, with all gateways that serve it."""
    lists, query, now = await _lists(call), read_query(searching.UniqueQuery), call.edition.clock.now()
    return await _kept(lists, ("unique", query), lambda: make_page(searching.unique_page(lists, query), now))


async def search_models(call: Call) -> Response:
    """Models found by a piece of their id, name or description, and by what they can do and cost."""
    found = searching.search(await _lists(call), read_query(searching.SearchQuery))
    return _stamped(call, found)


async def compare_model(call: Call, model_id: str) -> Response:
    """One model at every gateway: prices, the one to take, what that saves."""
    return _stamped(call, comparing.compare(await _lists(call), model_id, read_query(CompareQuery).gateways))


async def compare_models(call: Call) -> Response:
    """Several models, each with its gateways in order of a criterion; named in the body or in the query."""
    named = tuple(word for word in request.args.getlist("model_ids") if word)
    query: dict[str, Any] = {"model_ids": named}
    if "criteria" in request.args:
        query["criteria"] = request.args["criteria"]
    try:
        asked = msgspec.convert(query, comparing.BatchBody) if named else await read_json(comparing.BatchBody)
    except msgspec.ValidationError as err:
        raise SchemaInvalid(str(err), param="criteria") from err
    return _stamped(call, comparing.compare_batch(await _lists(call), asked))


async def describe_model(call: Call) -> Response:
    """Everything known of one model: all gateways that serve it, and what the model hub says of it."""
    query = read_query(DetailQuery)
    name = query.model_id or query.other_id
    if name is None and query.developer and query.name:
        name = f"{query.developer}/{query.name}"
    if not name:
        raise InvalidRequest(
            "Name a model: 'model_id', 'modelId', or 'developer' with 'modelName'.",
            code="MISSING_REQUIRED_FIELD",
            param="model_id",
        )
    lists = await _lists(call)
    model, _ = lists.find(name, query.gateway)
    metrics = await call.services.hub.metrics(model) if query.include_huggingface else msgspec.UNSET
    report = searching.report(lists, name, query.gateway, metrics=metrics)
    return await _made(call, report)


async def _lists(call: Call) -> ModelLists:
    edition = call.edition
    return await _LISTS.of(edition.catalog, edition.settings, call.services.observation, edition.clock)


async def _kept(lists: ModelLists, key: Hashable, make: Callable[[], Page]) -> Response:
    page, is_hit = _PAGES.page(key, lists.rows.version, make)
    return await answer_page(page, is_hit=is_hit, vary=_VARY)


async def _made(call: Call, answer: msgspec.Struct) -> Response:
    """Answer with a page that is not kept."""
    return await answer_page(make_page(answer, call.edition.clock.now()), is_hit=False, vary=_VARY)


def _plain(value: object) -> Page:
    body = msgspec.json.encode(value)
    return Page(body, tag_of(body))


def _stamped(call: Call, answer: dict[str, Any]) -> Response:
    return json_response({**answer, "timestamp": call.edition.clock.now()})


def _strictly(read: Callable[[], T]) -> T:
    """Return the query; a value of the wrong type is 400 on the paths that OpenAI's clients use."""
    try:
        return read()
    except SchemaInvalid as err:
        raise InvalidRequest(err.message, code="INVALID_PARAMETER_TYPE", param=err.param, context=err.context) from err


_PATHS: Final = ("/v1/models", "/v1/v1/models", "/models")

ROUTES: Final = (
    *(Route(method="GET", path=path, handler=list_models, guard="optional", query=ListQuery) for path in _PATHS),
    Route(
        method="GET",
        path="/v1/models/unique",
        handler=list_unique_models,
        guard="optional",
        query=searching.UniqueQuery,
    ),
    Route(method="GET", path="/v1/models/search", handler=search_models, guard="optional", query=searching.SearchQuery),
    Route(
        method="POST",
        path="/v1/models/batch-compare",
        handler=compare_models,
        guard="optional",
        body=comparing.BatchBody,
    ),
    Route(
        method="GET",
        path="/v1/models/<path:model_id>/compare",
        handler=compare_model,
        guard="optional",
        query=CompareQuery,
    ),
    *(
        Route(
            method="GET",
            path=f"{path}/<developer>",
            handler=list_developer_models,
            guard="optional",
            query=DeveloperQuery,
        )
        for path in _PATHS[:2]
    ),
    *(
        Route(method="GET", path=f"{path}/<path:model_id>", handler=show_model, guard="optional", query=OneQuery)
        for path in _PATHS[:2]
    ),
    Route(method="GET", path="/api/models/detail", handler=describe_model, guard="optional", query=DetailQuery),
)
