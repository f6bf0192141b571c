"""Reading query parameters into a typed value."""

from typing import TypeVar

import msgspec
from quart import request

from gatewayz.web.bodies import schema_error

__all__ = ["read_query"]

T = TypeVar("T")


def read_query(type: type[T]) -> T:
    """Return the parameters of the current request; those the type does not know are passed over.

    Raises SchemaInvalid (422, `param` names the parameter).
    """
    try:
        return msgspec.convert(request.args.to_dict(), type, strict=False)
    except msgspec.ValidationError as err:
        raise schema_error(err, "query") from err
