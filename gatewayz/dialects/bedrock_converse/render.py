"""A request to Bedrock's Converse.

Source: AWS, Bedrock API reference "Converse", "InferenceConfiguration", "ToolConfiguration", "OutputConfig" (2026-11).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.bedrock_converse.contents import ConversationWriter
from gatewayz.dialects.bedrock_converse.families import render_family_fields
from gatewayz.dialects.losing import lose_extra, lose_opaque_tools, lose_values
from gatewayz.sdk.chat import ModelCall, ResponseFormat, Tool
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import BEDROCK_CONVERSE

__all__ = ["render_call"]

_MAX_TEMPERATURE: Final = 1.0
_TIERS: Final = frozenset({"priority", "default", "flex", "reserved"})
_METADATA_TEXT: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_MAX_METADATA: Final = 16
_NO_PARAMETERS: Final = {"type": "object", "properties": {}}

JsonObject = dict[str, Any]


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body; model and streaming are in the URL, not here."""
    lose_values(
        losses,
        hints={
            "seed": call.seed,
            "frequency_penalty": call.frequency_penalty,
            "presence_penalty": call.presence_penalty,
            "logit_bias": call.logit_bias,
            "user": call.user,
            "parallel_tool_calls": bool(call.tools) and call.parallel_tool_calls is False,
        },
        semantics={"n": call.n if (call.n or 1) > 1 else None, "logprobs": call.logprobs},
    )
    lose_extra(call, BEDROCK_CONVERSE, losses)
    lose_opaque_tools(call, BEDROCK_CONVERSE, losses)
    writer = ConversationWriter(model, losses)
    writer.write(call.messages)
    body: JsonObject = {"messages": writer.messages}
    if writer.system:
        body["system"] = writer.system
    fields = render_family_fields(call, model, losses)
    if fields.get("thinking", {}).get("type") == "enabled" and _goes_on_without_thinking(writer.messages):
        losses.hint("reasoning")  # refused: a turn that is under way cannot begin to think
        del fields["thinking"]
    if inference := _render_inference(call, losses, thinks="thinking" in fields):
        body["inferenceConfig"] = inference
    if fields:
        body["additionalModelRequestFields"] = fields
    if tools := _render_tools(call, writer, losses):
        body["toolConfig"] = tools
    if (output := _render_output(call.response_format, losses)) is not None:
        body["outputConfig"] = output
    _add_metadata(body, call, losses)
    if call.service_tier in _TIERS:
        body["serviceTier"] = {"type": call.service_tier}
    elif call.service_tier not in (None, "auto"):
        losses.hint("service_tier")
    if call.format == BEDROCK_CONVERSE:
        body = {**(call.extra or {}), **body}
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _goes_on_without_thinking(messages: Sequence[JsonObject]) -> bool:
    """Whether tool results answer a turn that has no signed thinking, such as another provider's."""
    if len(messages) < 2 or not any("toolResult" in block for block in messages[-1]["content"]):
        return False
    return "reasoningContent" not in messages[-2]["content"][0]


def _render_inference(call: ModelCall, losses: Losses, *, thinks: bool) -> JsonObject:
    inference: JsonObject = {}
    if call.max_tokens is not None:
        inference["maxTokens"] = call.max_tokens
    temperature = call.temperature
    if temperature is not None and (thinks or temperature > _MAX_TEMPERATURE):
        if temperature != _MAX_TEMPERATURE:
            losses.hint("temperature")  # the range ends at 1, and thinking allows nothing else
        temperature = None if thinks else _MAX_TEMPERATURE
    if temperature is not None:
        inference["temperature"] = temperature
    if call.top_p is not None:
        inference["topP"] = call.top_p
    if call.stop:
        inference["stopSequences"] = call.stop
    return inference


def _render_tools(call: ModelCall, writer: ConversationWriter, losses: Losses) -> JsonObject | None:
    tools: list[JsonObject] = []
    for tool in call.tools:
        tools.append({"toolSpec": _render_tool(tool)})
        writer.mark(tool.cache, tools)
    tools += [dict(tool.value) for tool in call.opaque_tools if tool.format == BEDROCK_CONVERSE]
    choice = call.tool_choice
    if choice is not None and choice.mode == "none":
        if not writer.tool_names:
            return None  # there is no such choice: tools that must not be used are not offered
        losses.semantic("tool_choice")
    if not tools:
        # A history with calls is refused without definitions of the tools it called.
        tools = [{"toolSpec": _render_tool(Tool(name=name))} for name in writer.tool_names]
        return {"tools": tools} if tools else None
    config: JsonObject = {"tools": tools}
    if choice is not None and choice.mode == "required":
        config["toolChoice"] = {"any": {}}
    elif choice is not None and choice.mode == "named":
        config["toolChoice"] = {"tool": {"name": choice.name}}
    elif choice is not None and choice.mode == "auto":
        config["toolChoice"] = {"auto": {}}
    return config


def _render_tool(tool: Tool) -> JsonObject:
    spec: JsonObject = {"name": tool.name, "inputSchema": {"json": tool.parameters or _NO_PARAMETERS}}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict:
        spec["strict"] = True
    return spec


def _render_output(format: ResponseFormat | None, losses: Losses) -> JsonObject | None:
    if format is None or format.kind == "text":
        return None
    if format.schema is None:
        losses.semantic("response_format")  # JSON of no particular schema cannot be asked for
        return None
    schema: JsonObject = {"schema": msgspec.json.encode(format.schema).decode(), "name": format.name or "answer"}
    if format.description is not None:
        schema["description"] = format.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _add_metadata(body: JsonObject, call: ModelCall, losses: Losses) -> None:
    if not call.metadata:
        return
    fits = len(call.metadata) <= _MAX_METADATA and all(
        name and _METADATA_TEXT.fullmatch(name) and isinstance(value, str) and _METADATA_TEXT.fullmatch(value)
        for name, value in call.metadata.items()
    )
    if fits:
        body["requestMetadata"] = call.metadata
    else:
        losses.hint("metadata")
