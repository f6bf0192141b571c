"""Tools by name. What a tool could not do is an answer, not an error: a model goes on from it."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import msgspec

from gatewayz.areas.tools.schema import AugmentBody
from gatewayz.domain.tools.augment import find_context
from gatewayz.domain.tools.definitions import definition
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.tools import SearchArguments, Tool, ToolFailed
from gatewayz.web.bodies import schema_error

__all__ = ["ToolNotFound", "augment", "list_definitions", "run_tool", "show_tool"]

Tools = Mapping[str, Tool]


class ToolNotFound(ResourceNotFound):
    """No tool has this name."""

    default_code = "TOOL_NOT_FOUND"


def list_definitions(tools: Tools) -> list[dict[str, Any]]:
    """Return the definitions of all tools, by name."""
    return [definition(name, tools[name]) for name in sorted(tools)]


def show_tool(tools: Tools, name: str) -> dict[str, Any]:
    """Return one tool. Raises ToolNotFound."""
    tool = _find(tools, name)
    return {"name": name, "definition": definition(name, tool), "available": tool.is_available}


async def run_tool(tools: Tools, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a tool. Raises ToolNotFound, and SchemaInvalid naming the argument that does not fit."""
    tool = _find(tools, name)
    arguments = _read(parameters, tool.arguments)
    started = perf_counter()
    try:
        outcome = await tool.run(arguments)
    except ToolFailed as err:
        metadata = {"tool": name, "error_type": err.failure, "duration_ms": _since(started)}
        return {"success": False, "result": None, "error": err.message, "metadata": metadata}
    metadata = {"tool": name, "duration_ms": _since(started), **outcome.metadata}
    return {"success": True, "result": outcome.result, "error": None, "metadata": metadata}


async def augment(tools: Tools, body: AugmentBody, clock: Clock) -> dict[str, Any]:
    """Return what a search found as text for a model; a search that failed is told, never raised."""
    arguments = SearchArguments(query=body.query, max_results=body.max_results, include_answer=body.include_answer)
    try:
        found = await find_context(tools, arguments, clock.now())
    except ToolFailed as err:
        return {"success": False, "context": None, "error": err.message, "results_count": 0}
    return {"success": True, "context": found.context, "error": None, "results_count": found.count}


def _find(tools: Tools, name: str) -> Tool:
    if (tool := tools.get(name)) is None:
        raise ToolNotFound(f"There is no tool {name[:64]!r}.", param="name")
    return tool


def _read(parameters: Mapping[str, Any], arguments: type[msgspec.Struct]) -> Any:
    try:
        return msgspec.convert(parameters, arguments)
    except msgspec.ValidationError as err:
        error = schema_error(err, "parameters")
        if error.param != "parameters":
            error.param = f"parameters.{error.param}"
        raise error from err


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)
