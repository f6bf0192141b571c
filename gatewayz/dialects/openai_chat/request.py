"""A chat request as core values, and back. Source: spec 01 §1.1; docs/decisions/0021."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.dialects.losing import effort_of, lose_extra, lose_opaque_tools
from gatewayz.dialects.openai_chat.head import check_body
from gatewayz.dialects.openai_chat.incoming_messages import cache_mark, parse_messages
from gatewayz.dialects.openai_chat.outgoing_messages import MessageWriter
from gatewayz.dialects.openai_chat.wire import (
    RULES,
    ChatBody,
    FunctionDefinition,
    NamedChoice,
    ResponseFormatMember,
    body_reader,
)
from gatewayz.dialects.request_decoding import EXTENSIONS, decoded_member, strictly_decoded
from gatewayz.sdk.chat import (
    ModelCall,
    Opaque,
    ReasoningConfig,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["MAX_STOPS", "parse_call", "render_call", "render_tools"]

MAX_STOPS: Final = 4
_SCHEMA: Final = msgspec.json.Decoder(dict[str, Any] | None)
_CARRIED: Final = ("prompt_cache_key",)
"""Members the head reads and the core has no place for."""
_SERVICE_TIERS: Final = {"standard_only": "default"}


def parse_call(body: bytes, *, model: str) -> ModelCall:
    """Return the call; `model` replaces the body's. Raises InvalidRequest."""
    chat, members = body_reader.read(body)
    check_body(chat)
    tools, opaque_tools = _parse_tools(chat, members)
    return ModelCall(
        model=model,
        messages=parse_messages(chat.messages, members["messages"]),
        tools=tools,
        opaque_tools=opaque_tools,
        tool_choice=_parse_tool_choice(chat),
        parallel_tool_calls=chat.parallel_tool_calls,
        response_format=None if chat.response_format is None else _parse_response_format(chat.response_format),
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        temperature=chat.temperature,
        top_p=chat.top_p,
        top_k=chat.top_k,
        n=chat.n,
        stop=(chat.stop,) if isinstance(chat.stop, str) else tuple(chat.stop or ()),
        seed=chat.seed,
        frequency_penalty=chat.frequency_penalty,
        presence_penalty=chat.presence_penalty,
        logit_bias=chat.logit_bias,
        logprobs=chat.logprobs,
        top_logprobs=chat.top_logprobs,
        reasoning=_parse_reasoning(chat.reasoning_effort),
        user=chat.user,
        service_tier=chat.service_tier,
        metadata=chat.metadata,
        stream=bool(chat.stream),
        include_usage=chat.stream_options is not None and bool(chat.stream_options.include_usage),
        format=OPENAI_CHAT,
        extra=_parse_extra(chat, members),
    )


def _parse_extra(chat: ChatBody, members: Mapping[str, msgspec.Raw]) -> dict[str, Any] | None:
    known = chat.__struct_fields__
    extra = {
        name: decoded_member(raw, name)
        for name, raw in members.items()
        if (name not in known or name in _CARRIED) and name not in EXTENSIONS
    }
    if extra.get("modalities") == ["text"]:
        del extra["modalities"]
    return extra or None


def _parse_tools(chat: ChatBody, members: Mapping[str, msgspec.Raw]) -> tuple[tuple[Tool, ...], tuple[Opaque, ...]]:
    tools: list[Tool] = []
    opaque: list[Opaque] = []
    for index, tool in enumerate(chat.tools or ()):
        if tool.type == "function" and tool.function is not None:
            parsed = _parse_function(tool.function, f"tools[{index}].function")
            tools.append(msgspec.structs.replace(parsed, cache=cache_mark(tool.cache_control)))
        else:
            opaque.append(Opaque(format=OPENAI_CHAT, value=decoded_member(members["tools"], "tools")[index]))
    for index, function in enumerate(chat.functions or ()):
        tools.append(_parse_function(function, f"functions[{index}]"))
    return tuple(tools), tuple(opaque)


def _parse_function(function: FunctionDefinition, where: str) -> Tool:
    parameters = None
    if memoryview(function.parameters):
        parameters = strictly_decoded(function.parameters, _SCHEMA, f"{where}.parameters", RULES)
    return Tool(name=function.name, description=function.description, parameters=parameters, strict=function.strict)


def _parse_tool_choice(chat: ChatBody) -> ToolChoice | None:
    choice = chat.tool_choice if chat.tool_choice is not None else chat.function_call
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(mode=choice)
    if not isinstance(choice, NamedChoice):
        return ToolChoice(mode="named", name=choice.name)
    if choice.function is None:
        return ToolChoice(mode="auto")
    return ToolChoice(mode="named", name=choice.function.name)


def _parse_response_format(format: ResponseFormatMember) -> ResponseFormat:
    inner = format.json_schema
    if format.type != "json_schema" or inner is None:
        return ResponseFormat(kind=format.type)
    where = "response_format.json_schema.schema"
    schema = strictly_decoded(inner.schema, _SCHEMA, where, RULES) if memoryview(inner.schema) else None
    return ResponseFormat(
        kind="json_schema", name=inner.name, description=inner.description, schema=schema, strict=inner.strict
    )


def _parse_reasoning(effort: str | None) -> ReasoningConfig | None:
    return None if effort is None else ReasoningConfig(enabled=effort != "none", effort=effort)


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body for the provider's id `model`. Raises UnsupportedFeature by way of `losses`."""
    native = call.format == OPENAI_CHAT
    body: dict[str, Any] = dict(call.extra or {}) if native else {}
    lose_extra(call, OPENAI_CHAT, losses)
    body["model"] = model
    body["messages"] = MessageWriter(losses, native=native).write(call.messages)
    body.update(
        (name, value)
        for name, value in (
            ("max_tokens", call.max_tokens),
            ("temperature", call.temperature),
            ("top_p", call.top_p),
            ("n", call.n),
            ("stop", _render_stop(call, losses)),
            ("seed", call.seed),
            ("frequency_penalty", call.frequency_penalty),
            ("presence_penalty", call.presence_penalty),
            ("logit_bias", call.logit_bias),
            ("logprobs", call.logprobs),
            ("top_logprobs", call.top_logprobs),
            ("reasoning_effort", _render_effort(call.reasoning)),
            ("response_format", _render_response_format(call.response_format)),
            ("user", call.user),
            ("service_tier", _SERVICE_TIERS.get(call.service_tier or "", call.service_tier)),
        )
        if value is not None
    )
    _render_own(call, body, losses, native=native)
    render_tools(call, body, losses, native=native)
    if call.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _render_own(call: ModelCall, body: dict[str, Any], losses: Losses, *, native: bool) -> None:
    """Members that not every provider of the format knows: sent when the caller used them in this format."""
    for name, value in (("top_k", call.top_k), ("metadata", call.metadata)):
        if value is None:
            continue
        if native:
            body[name] = value
        else:
            losses.hint(name)


def render_tools(call: ModelCall, body: dict[str, Any], losses: Losses, *, native: bool) -> None:
    """Add the members about tools. Raises UnsupportedFeature by way of `losses`."""
    lose_opaque_tools(call, OPENAI_CHAT, losses)
    tools = [_render_tool(tool, losses, native=native) for tool in call.tools]
    tools += [dict(tool.value) for tool in call.opaque_tools if tool.format == OPENAI_CHAT]
    if not tools:
        return
    body["tools"] = tools
    if call.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = call.parallel_tool_calls
    choice = call.tool_choice
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = named if choice.mode == "named" else choice.mode


def _render_tool(tool: Tool, losses: Losses, *, native: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    rendered: dict[str, Any] = {"type": "function", "function": function}
    if tool.cache is not None:
        if native:
            rendered["cache_control"] = {"type": "ephemeral"} | ({"ttl": tool.cache.ttl} if tool.cache.ttl else {})
        else:
            losses.hint("cache_control")
    return rendered


def _render_stop(call: ModelCall, losses: Losses) -> list[str] | None:
    if len(call.stop) > MAX_STOPS:
        losses.semantic("stop")
    return list(call.stop[:MAX_STOPS]) or None


def _render_effort(reasoning: ReasoningConfig | None) -> str | None:
    """Return the effort word; nothing when the caller left it to the model or switched thinking off elsewhere.

    Models that do not think refuse the member, so it is only sent for a caller who asked to think.
    """
    if reasoning is None or (reasoning.effort is None and (reasoning.budget_tokens is None or not reasoning.enabled)):
        return None
    effort = reasoning.effort or effort_of(reasoning)
    return "high" if effort == "max" else effort


def _render_response_format(format: ResponseFormat | None) -> dict[str, Any] | None:
    if format is None:
        return None
    if format.kind != "json_schema":
        return {"type": format.kind}
    inner: dict[str, Any] = {"name": format.name or "response", "schema": format.schema or {}}
    if format.description is not None:
        inner["description"] = format.description
    if format.strict is not None:
        inner["strict"] = format.strict
    return {"type": "json_schema", "json_schema": inner}
