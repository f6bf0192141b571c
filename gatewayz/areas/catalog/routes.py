"""The model lists, for OpenAI's and Anthropic's clients on the same path. Source: spec 02 §2 (4.1.1, 4.1.7)."""

from typing import Final

from quart import Response, request

from gatewayz.areas.catalog.service import Listing, ModelLists, model_lists, wants_anthropic_shape
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

_WORD_LENGTH: Final = 128


async def list_models(call: Call) -> Response:
    """Models that can be called, a page at a time; the shape is that of the client that asks."""
    lists = _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return _answer(
            lists.anthropic_page(
                limit=_number("limit", 20),
                after_id=request.args.get("after_id"),
                before_id=request.args.get("before_id"),
            )
        )
    return _answer(
        lists.openai_page(
            now=call.edition.clock.now(),
            limit=_number("limit", 100),
            offset=_number("offset", 0),
            provider=_word("provider"),
            gateway=_word("gateway") or "all",
        )
    )


async def show_model(call: Call, model_id: str) -> Response:
    """One model, by any of its names; slashes may come encoded."""
    lists = _lists(call)
    if wants_anthropic_shape(request.scope["headers"]):
        return _answer(lists.anthropic_model(model_id))
    return _answer(lists.openai_model(model_id, now=call.edition.clock.now(), gateway=_word("gateway")))


def _lists(call: Call) -> ModelLists:
    settings = call.edition.settings
    return model_lists(
        call.edition.catalog,
        {name: entry.display for name, entry in settings.providers.items() if entry.display is not None},
    )


def _answer(listing: Listing) -> Response:
    """Return the listing, or 304 to who has it already."""
    if request.headers.get("if-none-match") == listing.etag:
        response = Response("", status=304)
    else:
        response = json_response(listing.body)
    response.headers["etag"] = listing.etag
    response.headers["cache-control"] = "private, max-age=60, must-revalidate"
    response.headers["vary"] = "anthropic-version, accept-encoding"
    return response


def _number(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as err:
        raise InvalidRequest(
            f"'{name}' must be a whole number.",
            code="INVALID_PARAMETER_TYPE",
            param=name,
            context={"parameter_value": text[:_WORD_LENGTH], "expected_type": "integer"},
        ) from err


def _word(name: str) -> str | None:
    text = request.args.get(name)
    return text[:_WORD_LENGTH] if text else None


_PATHS: Final = ("/v1/models", "/v1/v1/models", "/models")

ROUTES: Final = (
    *(Route(method="GET", path=path, handler=list_models, guard="optional") for path in _PATHS),
    *(Route(method="GET", path=f"{path}/<path:model_id>", handler=show_model, guard="optional") for path in _PATHS[:2]),
)
