"""What a model is told of a tool, in OpenAI's shape. Source: OpenAI API reference, chat completions, tools."""

from functools import cache
from typing import Any

import msgspec

from gatewayz.sdk.tools import Tool

__all__ = ["definition"]

_REF = "#/$defs/{name}"


def definition(name: str, tool: Tool) -> dict[str, Any]:
    """Return `{type: function, function: {name, description, parameters}}`."""
    function = {"name": name, "description": tool.description, "parameters": _parameters(tool.arguments)}
    return {"type": "function", "function": function}


@cache
def _parameters(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, complete in itself."""
    (reference,), found = msgspec.json.schema_components((arguments,), ref_template=_REF)
    own = dict(found.pop(reference["$ref"].rpartition("/")[2]))
    own.pop("title", None)
    own.pop("description", None)
    return {**own, "$defs": found} if found else own
