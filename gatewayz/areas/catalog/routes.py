"""The model lists, for OpenAI's and Anthropic's clients on the same path, and what is asked of models.

Source: spec 02 §2 (4.1.1-4.1.4, 4.1.7-4.1.11, 25.11).
"""

from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec
from quart import Response, request

from gatewayz.areas.catalog import compare as comparing
from gatewayz.areas.catalog import search as searching
from gatewayz.areas.catalog.service import ModelLists, model_lists, wants_anthropic_shape
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound, SchemaInvalid
from gatewayz.web.bodies import read_json
from gatewayz.web.pages import Page, PageCache, answer_page, make_page, tag_of
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

_WORD_LENGTH: Final = 128
_PAGES: Final = PageCache(32 * 1024 * 1024)
"""Of all editions of this process: a page is found by its query and by the version of the rows it was made of."""
_VARY: Final = "anthropic-version, accept-encoding"


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
    lists = _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        cursors: dict[str, Any] = {
            "limit": _number("limit", 20),
            "after_id": request.args.get("after_id"),
            "before_id": request.args.get("before_id"),
        }
        return await _kept(lists, ("anthropic", *cursors.values()), lambda: _plain(lists.anthropic_page(**cursors)))
    query: dict[str, Any] = {
        "limit": _number("limit", 100),
        "offset": _number("offset", 0),
        "provider": _word("provider"),
        "gateway": _word("gateway"),
        "is_private": _flag("is_private"),
        "unique_models": _flag("unique_models") is not False,
    }
    now = call.edition.clock.now()
    return await _kept(lists, ("openai", *query.values()), lambda: make_page(lists.openai_page(**query), now))


async def list_developer_models(call: Call, developer: str) -> Response:
    """The models of one maker; a word that is a model's name instead shows that model."""
    lists = _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return await show_model(call, developer)
    if not lists.is_developer(developer):
        try:
            return await show_model(call, developer)
        except ModelNotFound:
            pass  # a maker nobody knows has no models
    query: dict[str, Any] = {
        "limit": _number("limit", 100),
        "offset": _number("offset", 0),
        "gateway": _word("gateway"),
    }
    now = call.edition.clock.now()
    key = ("developer", developer, *query.values())
    return await _kept(lists, key, lambda: make_page(lists.developer_page(developer, **query), now))


async def show_model(call: Call, model_id: str) -> Response:
    """One model, by any of its names; slashes may come encoded."""
    lists = _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return await answer_page(_plain(lists.anthropic_model(model_id)), is_hit=False, vary=_VARY)
    detail = lists.openai_model(model_id, gateway=_word("gateway"))
    return await answer_page(make_page(detail, call.edition.clock.now()), is_hit=False, vary=_VARY)


async def list_unique_models(call: Call) -> Response:
    """Each model once, with all gateways that serve it."""
    lists, query, now = _lists(call), read_query(searching.UniqueQuery), call.edition.clock.now()
    return await _kept(lists, ("unique", query), lambda: make_page(searching.unique_page(lists, query), now))


async def search_models(call: Call) -> Response:
    """Models found by a piece of their id, name or description, and by what they can do and cost."""
    found = searching.search(_lists(call), read_query(searching.SearchQuery))
    return _stamped(call, found)


async def compare_model(call: Call, model_id: str) -> Response:
    """One model at every gateway: prices, the one to take, what that saves."""
    return _stamped(call, comparing.compare(_lists(call), model_id, read_query(CompareQuery).gateways))


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
    return _stamped(call, comparing.compare_batch(_lists(call), asked))


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
    report = searching.report(_lists(call), name, query.gateway, include_huggingface=query.include_huggingface)
    return await answer_page(make_page(report, call.edition.clock.now()), is_hit=False)


def _lists(call: Call) -> ModelLists:
    edition = call.edition
    return model_lists(edition.catalog, edition.settings.providers, call.services.observation, edition.clock)


async def _kept(lists: ModelLists, key: Hashable, make: Callable[[], Page]) -> Response:
    page, is_hit = _PAGES.page(key, lists.rows.version, make)
    return await answer_page(page, is_hit=is_hit, vary=_VARY)


def _plain(value: object) -> Page:
    body = msgspec.json.encode(value)
    return Page(body, tag_of(body))


def _stamped(call: Call, answer: dict[str, Any]) -> Response:
    return json_response({**answer, "timestamp": call.edition.clock.now()})


def _number(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as err:
        raise _type_error(name, text, "integer", "a whole number") from err


def _flag(name: str) -> bool | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        return msgspec.convert(text.lower(), bool, strict=False)
    except msgspec.ValidationError as err:
        raise _type_error(name, text, "boolean", "true or false") from err


def _type_error(name: str, text: str, kind: str, words: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{name}' must be {words}.",
        code="INVALID_PARAMETER_TYPE",
        param=name,
        context={"parameter_name": name, "parameter_value": text[:_WORD_LENGTH], "expected_type": kind},
    )


def _word(name: str) -> str | None:
    text = request.args.get(name)
    return text[:_WORD_LENGTH] if text else None


_PATHS: Final = ("/v1/models", "/v1/v1/models", "/models")

ROUTES: Final = (
    *(Route(method="GET", path=path, handler=list_models, guard="optional") for path in _PATHS),
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
        Route(method="GET", path=f"{path}/<developer>", handler=list_developer_models, guard="optional")
        for path in _PATHS[:2]
    ),
    *(Route(method="GET", path=f"{path}/<path:model_id>", handler=show_model, guard="optional") for path in _PATHS[:2]),
    Route(method="GET", path="/api/models/detail", handler=describe_model, guard="optional", query=DetailQuery),
)
