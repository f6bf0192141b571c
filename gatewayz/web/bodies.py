"""Reading request bodies within limits."""

import asyncio
from typing import Final, TypeVar, cast

import msgspec
from quart import g, request

from gatewayz.dialects.repeated_names import repeated_anywhere
from gatewayz.sdk.errors import BodyTooLarge, GatewayzError, InvalidRequest, SchemaInvalid, UnsupportedMediaType
from gatewayz.web.asgi import Receive
from gatewayz.web.request_head import RequestHead

__all__ = ["ClientGone", "check_json_headers", "read_body", "read_json", "schema_error"]

T = TypeVar("T")

_JSON_LIKE: Final = frozenset((b"application/json", b"text/json", b"application/x-www-form-urlencoded"))
"""The last is what curl says of a body when it is told nothing; the body must be JSON all the same."""
_ANY: Final = msgspec.json.Decoder()
_BROKEN: Final = (msgspec.DecodeError, ValueError, RecursionError)
_LARGE_BYTES: Final = 64 * 1024


class ClientGone(GatewayzError):
    """The client closed the connection; there is nobody to answer."""

    status = 499


def check_json_headers(head: RequestHead) -> None:
    """Refuse bodies that are not plain JSON; a missing content type is allowed. Raises UnsupportedMediaType."""
    if head.content_type:
        media_type = head.content_type.partition(b";")[0].strip().lower()
        if media_type not in _JSON_LIKE and not media_type.endswith(b"+json"):
            raise UnsupportedMediaType(
                "The body must be application/json.", context={"expected_type": "application/json"}
            )
    if head.content_encoding not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed request bodies are not accepted; send the JSON as it is.")


async def read_body(receive: Receive, declared: int | None, limit: int) -> bytes:
    """Return the whole body. Raises BodyTooLarge before reading more than `limit` bytes, ClientGone."""
    if declared is not None and declared > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    pieces, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body"):
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
    if message["type"] != "http.request":
        raise ClientGone("the client left while sending")
    return b"".join(pieces)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", context={"max_value": limit})


async def read_json(type: type[T], *, default: T | None = None) -> T:
    """Return the body of the current request of a gateway-own route.

    :param default: for an empty body; without it an empty body is an error.
    Raises InvalidRequest (broken JSON), SchemaInvalid (it does not fit; `param` names where), UnsupportedMediaType.
    """
    check_json_headers(g.head)
    body = cast(bytes, await request.get_data())
    if not body.strip() and default is not None:
        return default
    if len(body) > _LARGE_BYTES:
        await asyncio.to_thread(_check_strictly, body)  # other requests go on meanwhile
    else:
        _check_strictly(body)
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as err:
        raise schema_error(err, "body") from err
    except _BROKEN as err:
        raise InvalidRequest("The body is not JSON.") from err


def _check_strictly(body: bytes) -> None:
    """Refuse what a typed decode passes over: bad text, numbers and repeated names in members it skips."""
    try:
        _ANY.decode(body)
        name = repeated_anywhere(body)
    except _BROKEN as err:
        raise InvalidRequest("The body is not JSON.") from err
    if name is not None:
        shown = name[:100]
        raise InvalidRequest(f"The body gives {shown!r} more than once.", code="INVALID_JSON", param=shown)


def schema_error(err: msgspec.ValidationError, place: str) -> SchemaInvalid:
    """Return what a caller is told of a value that does not fit; msgspec writes `... - at `$.a.b``.

    :param place: `body` or `query`.
    """
    message, _, path = str(err).partition(" - at `")
    param = path.rstrip("`").removeprefix("$").removeprefix(".")
    if message.startswith(("Object missing required field", "Out of range")):
        param = ".".join(part for part in (param, message.split("`")[1]) if part)
    return SchemaInvalid(f"{param}: {message}." if param else f"{message}.", param=param or place)
