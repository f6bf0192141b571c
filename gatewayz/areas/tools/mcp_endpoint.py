"""`/mcp`: the Model Context Protocol over streamable HTTP, without sessions. Source: decision 0196.

The official SDK speaks the protocol; this file turns one request of ours into one of its own and back.
"""

import asyncio
import importlib
import sys
from typing import Any, Final, cast

from quart import Response, request

from gatewayz.config.sections.mcp import MCP_NEEDED
from gatewayz.sdk.errors import PermissionRefused, RequestError, ResourceNotFound
from gatewayz.web.bodies import check_json_headers
from gatewayz.web.json_depth import check_json_depth
from gatewayz.web.routes import Call

__all__ = ["serve_mcp"]

_SPEAKER: Final = "gatewayz.areas.tools.mcp_server"


class McpMissing(ResourceNotFound):
    """The endpoint is switched off, or the SDK is not installed."""

    default_code = "MCP_NOT_AVAILABLE"


class NotMcp(RequestError):
    """The request does not meet the transport, in the SDK's words."""

    default_code = "NOT_MCP"


async def serve_mcp(call: Call) -> Response:
    """One message of the Model Context Protocol: the tools, listed and run."""
    settings = call.edition.settings
    if not settings.mcp.is_served:
        why = "switched off (mcp.enabled)" if settings.mcp.enabled is False else f"not installed: {MCP_NEEDED}"
        raise McpMissing(f"The MCP endpoint is {why}.")
    _check_origin(call)
    check_json_headers(call.head)
    body = cast(bytes, await request.get_data())
    check_json_depth(body, settings.server.max_json_depth)
    if not hasattr(sys.modules.get(_SPEAKER), "exchange"):  # takes a second, once; other requests go on meanwhile
        await asyncio.to_thread(importlib.import_module, _SPEAKER)
    from gatewayz.areas.tools.mcp_server import exchange  # noqa: PLC0415  (an extra)

    answer = _Answer(body)
    await exchange(call, dict(request.scope), answer.receive, answer.send)
    return answer.response()


def _check_origin(call: Call) -> None:
    """Refuse pages of unknown origin, so that no name bound anew leads one to a gateway in its visitor's network.

    Source: MCP 2025-11-25, transports, security warning. Raises PermissionRefused.
    """
    origin = call.head.origin
    if origin is not None and origin.decode("latin-1") not in call.edition.settings.access.cors_origins:
        raise PermissionRefused("Pages of this origin may not use the MCP endpoint (access.cors_origins).")


class _Answer:
    """The two ends of an ASGI application that is asked once and answers whole."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        """Return the body; after it nothing comes until the request is cancelled."""
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = list(message.get("headers", ()))
        else:
            self._pieces.append(message.get("body", b""))

    def response(self) -> Response:
        """Return the answer. Raises NotMcp for what the SDK refuses in plain text: here errors have an envelope."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._headers}
        if 400 <= self._status < 500 and not headers.get("content-type", "").startswith("application/json"):
            raise NotMcp(b"".join(self._pieces).decode(errors="replace"))
        headers.setdefault("content-type", "application/json")
        return Response(b"".join(self._pieces), status=self._status, headers=headers)
