"""`/v1/modelz/*`. Source: spec 02 §2 (4.2)."""

from typing import Final

from quart import Response

from gatewayz.areas.model_registry.service import RegistryQuery, check_model, list_ids, list_models
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_registry(call: Call) -> Response:
    """Every canonical model, with whether it can be called."""
    return json_response(list_models(call.edition.catalog, read_query(RegistryQuery)))


async def list_registry_ids(call: Call) -> Response:
    """The ids alone."""
    return json_response(list_ids(call.edition.catalog, read_query(RegistryQuery)))


async def check_registry(call: Call, model_id: str) -> Response:
    """Whether a model is in the registry."""
    return json_response(check_model(call.edition.catalog, model_id, read_query(RegistryQuery)))


ROUTES: Final = (
    Route(method="GET", path="/v1/modelz/models", handler=list_registry, guard="optional", query=RegistryQuery),
    Route(method="GET", path="/v1/modelz/ids", handler=list_registry_ids, guard="optional", query=RegistryQuery),
    Route(
        method="GET",
        path="/v1/modelz/check/<path:model_id>",
        handler=check_registry,
        guard="optional",
        query=RegistryQuery,
    ),
)
