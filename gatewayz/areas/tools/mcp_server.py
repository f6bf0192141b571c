"""The tools as an MCP server, for one request. Imported only where the extra `mcp` is installed and used."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
import msgspec
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from gatewayz import __version__
from gatewayz.areas.tools.service import ToolNotFound, list_definitions, run_tool
from gatewayz.flow.endpoint_limits import check_endpoint
from gatewayz.sdk.errors import RateLimited, SchemaInvalid
from gatewayz.web.asgi import Receive, Scope, Send
from gatewayz.web.routes import Call

__all__ = ["exchange"]

LIMIT: Final = "tools"
"""Runs count with those of `/v1/tools/execute`; listing does not."""
_METADATA: Final = "gatewayz/metadata"

_log = logging.getLogger("gatewayz.tools")
logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request it serves


async def exchange(call: Call, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, whole and without a session: the next one may reach another process."""
    server = _server(call)
    manager = StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=True,
        max_request_body_size=call.edition.settings.server.max_body_bytes,
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


def _server(call: Call) -> "Server[Any]":
    tools = call.edition.tools

    async def list_tools(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        shown = [definition["function"] for definition in list_definitions(tools)]
        return types.ListToolsResult(
            tools=[
                types.Tool(name=each["name"], description=each["description"], input_schema=each["parameters"])
                for each in shown
            ]
        )

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            await check_endpoint(LIMIT, call.caller, call.client_address, call.edition)
            outcome = await run_tool(tools, params.name, params.arguments or {})
        except ToolNotFound as err:
            raise MCPError(types.INVALID_PARAMS, err.message) from err
        except (SchemaInvalid, RateLimited) as err:  # what a model can mend, it is told as a result
            return _failed(err.message, {"tool": params.name, "code": err.code})
        except Exception as err:
            _log.exception("the tool %s failed", params.name)
            raise MCPError(types.INTERNAL_ERROR, "The gateway met an internal error.") from err
        if not outcome["success"]:
            return _failed(outcome["error"], outcome["metadata"])
        text = msgspec.json.encode(outcome["result"]).decode()
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text)],
            structured_content=msgspec.json.decode(text),
            _meta={_METADATA: outcome["metadata"]},
        )

    return Server("gatewayz", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


def _failed(message: str, metadata: Mapping[str, Any]) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=message)]
    return types.CallToolResult(content=content, is_error=True, _meta={_METADATA: dict(metadata)})
