"""Freeform (`custom`) tools for providers that only know functions.

A custom tool takes plain text. Elsewhere it becomes a function with the one string parameter of
`FREEFORM_PARAMETERS`; calls of such a function are turned back into `custom_tool_call` items.
Source: OpenAI guide "Function calling", custom tools (2026-11);
docs/decisions/0026-custom-tools-as-functions.md.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.chat import ModelCall, Tool

__all__ = ["FREEFORM_PARAMETERS", "freeform_names", "freeform_tool", "unwrap_input", "wrap_input"]

FREEFORM_PARAMETERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input of the tool as free text."}},
    "required": ["input"],
    "additionalProperties": False,
}


class _Wrapped(msgspec.Struct):
    input: str


def freeform_tool(name: str, description: str | None, format: Mapping[str, Any] | None) -> Tool:
    """Return the function that stands for a custom tool; a grammar becomes part of the description."""
    grammar = (format or {}).get("definition")
    if isinstance(grammar, str):
        syntax = (format or {}).get("syntax", "")
        description = f"{description or ''}\n\nThe input must match this {syntax} grammar:\n{grammar}".lstrip()
    return Tool(name=name, description=description, parameters=FREEFORM_PARAMETERS)


def freeform_names(call: ModelCall) -> frozenset[str]:
    """Return the names of the call's tools that were custom tools."""
    return frozenset(tool.name for tool in call.tools if tool.parameters == FREEFORM_PARAMETERS)


def wrap_input(text: str) -> str:
    """Return the function arguments for a custom tool's input."""
    return msgspec.json.encode({"input": text}).decode()


def unwrap_input(arguments: str) -> str:
    """Return the custom tool's input; arguments of another shape are handed over as they are."""
    try:
        return msgspec.json.decode(arguments, type=_Wrapped).input
    except msgspec.DecodeError:
        return arguments
