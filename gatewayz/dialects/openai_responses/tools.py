"""Tools, tool choice and output schema of the Responses API: from core values, and back.

Source: OpenAI API reference, "Create a model response", `tools`, `tool_choice`, `text.format` (2026-11).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gatewayz.dialects.openai_responses.freeform import FREEFORM_PARAMETERS, freeform_tool
from gatewayz.dialects.openai_responses.wire import SchemaFormat
from gatewayz.dialects.request_decoding import invalid, missing
from gatewayz.sdk.chat import ModelCall, Opaque, ResponseFormat, Tool, ToolChoice
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = [
    "parse_text_format",
    "parse_tool_choice",
    "parse_tools",
    "render_text_format",
    "render_tool_choice",
    "render_tools",
]


def parse_tools(tools: Sequence[Mapping[str, Any]]) -> tuple[tuple[Tool, ...], tuple[Opaque, ...]]:
    """Return functions (custom tools among them) and the tools only an OpenAI upstream can run.

    Raises InvalidRequest naming the tool.
    """
    functions: list[Tool] = []
    opaque: list[Opaque] = []
    for index, tool in enumerate(tools):
        kind = tool.get("type", "function")
        if kind not in ("function", "custom"):
            opaque.append(Opaque(format=OPENAI_RESPONSES, value=tool))
            continue
        source = tool["function"] if isinstance(tool.get("function"), dict) else tool
        name = source.get("name")
        if not isinstance(name, str) or not name:
            raise missing(f"tools[{index}].name")
        if kind == "custom":
            functions.append(freeform_tool(name, source.get("description"), source.get("format")))
            continue
        functions.append(
            Tool(
                name=name,
                description=source.get("description"),
                parameters=source.get("parameters"),
                strict=source.get("strict"),
            )
        )
    return tuple(functions), tuple(opaque)


def render_tools(call: ModelCall) -> list[dict[str, Any]]:
    """Return the call's tools in the flat form."""
    tools: list[dict[str, Any]] = []
    for tool in call.tools:
        if tool.parameters == FREEFORM_PARAMETERS:
            tools.append({"type": "custom", "name": tool.name, "description": tool.description})
            continue
        rendered: dict[str, Any] = {
            "type": "function",
            "name": tool.name,
            "parameters": tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}},
            "strict": bool(tool.strict),
        }
        if tool.description is not None:
            rendered["description"] = tool.description
        tools.append(rendered)
    tools += [dict(tool.value) for tool in call.opaque_tools if tool.format == OPENAI_RESPONSES]
    return tools


def parse_tool_choice(choice: str | Mapping[str, Any] | None) -> ToolChoice | None:
    """Return which tool must be used. Raises InvalidRequest for a choice that only OpenAI's own tools have."""
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice == "auto":
            return ToolChoice(mode="auto")
        if choice == "none":
            return ToolChoice(mode="none")
        if choice == "required":
            return ToolChoice(mode="required")
    else:
        nested = choice.get("function")
        name = choice.get("name") or (nested.get("name") if isinstance(nested, dict) else None)
        if choice.get("type") in ("function", "custom") and isinstance(name, str):
            return ToolChoice(mode="named", name=name)
        if choice.get("type") == "allowed_tools" and choice.get("mode") in ("auto", "required"):
            return _parse_allowed(choice)
    raise invalid("this tool choice cannot be used with the chosen model", "tool_choice", "UNSUPPORTED_PARAMETER")


def _parse_allowed(choice: Mapping[str, Any]) -> ToolChoice:
    allowed = choice.get("tools")
    if choice["mode"] == "required" and isinstance(allowed, list) and len(allowed) == 1:
        name = allowed[0].get("name") if isinstance(allowed[0], dict) else None
        if isinstance(name, str):
            return ToolChoice(mode="named", name=name)
    raise invalid(
        "a subset of allowed tools cannot be used with the chosen model; send only the tools you want used",
        "tool_choice",
        "UNSUPPORTED_PARAMETER",
    )


def render_tool_choice(choice: ToolChoice | None) -> str | dict[str, Any] | None:
    """Return the tool choice."""
    if choice is None:
        return None
    return {"type": "function", "name": choice.name} if choice.mode == "named" else choice.mode


def parse_text_format(flat: SchemaFormat | None, nested: SchemaFormat | None) -> ResponseFormat | None:
    """Return the answer's shape from `text.format`, or from `response_format` as chat completions has it.

    Raises InvalidRequest for an unknown type or a schema format without schema.
    """
    source, param = (flat, "text.format") if flat is not None else (nested, "response_format")
    if source is None:
        return None
    if source.type == "text":
        return ResponseFormat(kind="text")
    if source.type == "json_object":
        return ResponseFormat(kind="json_object")
    if source.type != "json_schema":
        allowed = ["text", "json_object", "json_schema"]
        raise invalid(f"{param}.type must be one of {', '.join(allowed)}", f"{param}.type", allowed_values=allowed)
    schema = source.json_schema or source
    if schema.schema is None:
        raise missing(f"{param}.schema" if schema is source else f"{param}.json_schema.schema")
    return ResponseFormat(
        kind="json_schema",
        name=schema.name,
        description=schema.description,
        schema=schema.schema,
        strict=schema.strict,
    )


def render_text_format(format: ResponseFormat | None) -> dict[str, Any]:
    """Return `text.format`."""
    if format is None or format.kind != "json_schema":
        return {"type": format.kind if format is not None else "text"}
    rendered: dict[str, Any] = {"type": "json_schema", "name": format.name or "answer", "schema": format.schema}
    if format.description is not None:
        rendered["description"] = format.description
    if format.strict is not None:
        rendered["strict"] = format.strict
    return rendered
