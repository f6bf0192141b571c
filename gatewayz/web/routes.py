"""Routes as data, and what a handler is given."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from quart import Response

from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import PermissionRefused
from gatewayz.sdk.wire import Format
from gatewayz.web.guards import AccessGroup, Guard
from gatewayz.web.request_head import RequestHead
from gatewayz.web.services import Services

__all__ = ["Call", "Handler", "Route", "json_response"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls from where, with which header facts, on which edition; and the services to answer with."""

    caller: Caller
    edition: Edition
    services: Services
    head: RequestHead
    client_address: str

    @property
    def user_id(self) -> int:
        """Who calls, behind guard `user`. Raises PermissionRefused for a key that is nobody's."""
        if self.caller.user_id is None:
            raise PermissionRefused("This route needs the key of a user.")
        return self.caller.user_id


Handler = Callable[..., Awaitable[Response]]
"""`async def handler(call: Call, **path_variables) -> Response`; raises GatewayzError."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `path` is in Werkzeug's syntax; `format` makes its errors speak an inference dialect."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler
    guard: Guard
    group: AccessGroup | None = None
    """With guard `operator`: whose openness decides."""
    format: Format | None = None
    limit: str | None = None
    """Name of an entry of `limits.endpoints`."""
    body: type | None = None
    """What the handler reads by `read_json`; for the API description."""
    query: type | None = None
    """What it reads by `read_query`; likewise."""
    answer: type | None = None
    """What it answers with, where that is a type; likewise."""
    status: int = 200
    """Of a successful answer."""
    content_type: str = "application/json"
    """Of a successful answer."""
    is_upload: bool = False
    """Its body is a form with a file, bounded by `files.max_file_bytes`; the handler reads it as it comes."""


def json_response(body: bytes | object, status: int = 200) -> Response:
    """Return a JSON answer; bytes are taken as encoded already."""
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(encoded, status=status, content_type="application/json")
