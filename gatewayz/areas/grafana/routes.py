"""`/prometheus/datasource`: the protocol of Grafana's JSON data sources. Source: spec 05 §4 (13.12)."""

from typing import Any, Final

from quart import Response

from gatewayz.areas.grafana import service
from gatewayz.areas.grafana.schema import (
    AnnotationsBody,
    QueryBody,
    SearchBody,
    TagKeysBody,
    TagValuesBody,
    VariableBody,
)
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Handler, Route, json_response

__all__ = ["ROUTES"]


async def show_datasource(call: Call) -> Response:
    """The data source can be used."""
    return json_response({"status": "ok", "message": "The gateway's traffic can be queried."})


async def list_series(call: Call) -> Response:
    """Series by a part of their name; `providers` and `models` for variables."""
    body = await read_json(SearchBody)
    return json_response(service.search(call.services.observation, body.target or ""))


async def list_metrics(call: Call) -> Response:
    """Every series, as the query builder asks for them."""
    await read_json(TagKeysBody)
    return json_response([{"label": name, "value": name, "payloads": []} for name in service.NAMES])


async def query_series(call: Call) -> Response:
    """Values over time."""
    body = await read_json(QueryBody)
    figures = await call.services.metrics.figures()
    active = int(figures.value("concurrency_active_requests") or 0)
    return json_response(await service.query(call.services.observation, body, active, call.edition.clock.now()))


async def list_annotations(call: Call) -> Response:
    """Hours in which something was unlike the rest."""
    body = await read_json(AnnotationsBody)
    return json_response(await service.annotations(call.services.observation, body, call.edition.clock.now()))


async def list_variable_values(call: Call) -> Response:
    """Values of a dashboard's variable."""
    body = await read_json(VariableBody)
    values = service.search(call.services.observation, body.payload.target or "")
    return json_response([{"__text": value, "__value": value} for value in values])


async def list_tag_keys(call: Call) -> Response:
    """What viewers may filter by."""
    await read_json(TagKeysBody)
    return json_response([{"type": "string", "text": key} for key in service.KEYS])


async def list_tag_values(call: Call) -> Response:
    """What they may filter for."""
    body = await read_json(TagValuesBody)
    return json_response([{"text": value} for value in service.tag_values(call.services.observation, body.key)])


_BASE: Final = "/prometheus/datasource"


def _post(path: str, handler: Handler, body: type[Any]) -> Route:
    return Route(method="POST", path=f"{_BASE}/{path}", handler=handler, guard="operator", group="metrics", body=body)


ROUTES: Final = (
    Route(method="GET", path=_BASE, handler=show_datasource, guard="operator", group="metrics"),
    _post("search", list_series, SearchBody),
    _post("metrics", list_metrics, TagKeysBody),
    _post("query", query_series, QueryBody),
    _post("annotations", list_annotations, AnnotationsBody),
    _post("variable", list_variable_values, VariableBody),
    _post("tag-keys", list_tag_keys, TagKeysBody),
    _post("tag-values", list_tag_values, TagValuesBody),
)
