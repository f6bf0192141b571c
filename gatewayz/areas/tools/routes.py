"""`/v1/tools` and `/mcp`. Source: spec 08 §3 (20.1 to 20.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.tools import service
from gatewayz.areas.tools.mcp_endpoint import serve_mcp
from gatewayz.areas.tools.schema import AugmentBody, ExecuteBody
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_tools(call: Call) -> Response:
    """All tools, and how many."""
    found = service.list_definitions(call.edition.tools)
    return json_response({"tools": found, "count": len(found)})


async def list_definitions(call: Call) -> Response:
    """All tools as a chat request takes them in `tools`."""
    return json_response(service.list_definitions(call.edition.tools))


async def show_tool(call: Call, name: str) -> Response:
    """One tool, and whether it can be run now."""
    return json_response(service.show_tool(call.edition.tools, name))


async def execute_tool(call: Call) -> Response:
    """Run a tool."""
    body = await read_json(ExecuteBody)
    return json_response(await service.run_tool(call.edition.tools, body.name, body.parameters))


async def augment_search(call: Call) -> Response:
    """Search, and return what was found as text for a model."""
    body = await read_json(AugmentBody)
    return json_response(await service.augment(call.edition.tools, body, call.edition.clock))


_LIMIT: Final = "tools"

ROUTES: Final = (
    Route(method="GET", path="/v1/tools", handler=list_tools, guard="public"),
    Route(method="GET", path="/v1/tools/definitions", handler=list_definitions, guard="public"),
    Route(method="GET", path="/v1/tools/<name>", handler=show_tool, guard="public"),
    Route(method="POST", path="/v1/tools/execute", handler=execute_tool, guard="user", body=ExecuteBody, limit=_LIMIT),
    Route(
        method="POST",
        path="/v1/tools/search/augment",
        handler=augment_search,
        guard="optional",
        body=AugmentBody,
        limit=_LIMIT,
    ),
    Route(method="POST", path="/mcp", handler=serve_mcp, guard="user"),
)
