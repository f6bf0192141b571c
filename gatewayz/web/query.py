"""Reading query parameters into a typed value."""

from math import isfinite
from typing import TypeVar

import msgspec
from quart import request

from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.web.bodies import schema_error

__all__ = ["read_query"]

T = TypeVar("T", bound=msgspec.Struct)


def read_query(type: type[T]) -> T:
    """Return the parameters of the current request; those the type does not know are passed over.

    Raises SchemaInvalid (422, `param` names the parameter).
    """
    try:
        read = msgspec.convert(request.args.to_dict(), type, strict=False)
    except msgspec.ValidationError as err:
        raise schema_error(err, "query") from err
    for name, shown in zip(type.__struct_fields__, type.__struct_encode_fields__, strict=True):
        value = getattr(read, name)
        if isinstance(value, float) and not isfinite(value):  # `inf` is a float, and fits a bound that is open
            raise SchemaInvalid(f"{shown}: must be a finite number.", param=shown)
    return read
