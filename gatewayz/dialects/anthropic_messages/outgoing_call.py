"""A call as the body of a messages request. Source: spec 01 §4; docs/decisions/0021, 0022."""

from typing import Any, Final

import msgspec

from gatewayz.dialects.anthropic_messages.blocks import TurnWriter, cached
from gatewayz.dialects.losing import lose_extra, lose_opaque_tools, lose_values
from gatewayz.sdk.chat import ModelCall, Tool
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["DEFAULT_MAX_TOKENS", "render_call"]

DEFAULT_MAX_TOKENS: Final = 4096
"""Sent when the caller set no limit, for the format requires one. Source: spec 01 §1.1."""
MIN_THINKING_TOKENS: Final = 1024
_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none", "named": "tool"}
_EFFORTS: Final = {"minimal": "low"}
_TIERS: Final = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body for the provider's id `model`. Raises UnsupportedFeature by way of `losses`."""
    native = call.format == ANTHROPIC_MESSAGES
    body: dict[str, Any] = dict(call.extra or {}) if native else {}
    _lose(call, losses)
    writer = TurnWriter(losses, native=native)
    writer.write(call.messages)
    body["model"] = model
    body["max_tokens"] = call.max_tokens or DEFAULT_MAX_TOKENS
    body["messages"] = [_short(turn) for turn in writer.turns]
    if writer.system:
        body["system"] = _short({"content": writer.system})["content"]
    if call.stop:
        body["stop_sequences"] = [stop for stop in call.stop if stop.strip()] or None
        if len(body["stop_sequences"] or ()) < len(call.stop):
            losses.hint("stop")
        if not body["stop_sequences"]:
            del body["stop_sequences"]
    if call.stream:
        body["stream"] = True
    _render_identity(call, body, losses, native=native)
    _render_tools(call, body, losses)
    _render_output(call, body, losses)
    _render_thinking(call, body, losses, writer)
    _render_sampling(call, body, losses)
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _lose(call: ModelCall, losses: Losses) -> None:
    """Report what the format has no place for."""
    lose_extra(call, ANTHROPIC_MESSAGES, losses)
    lose_opaque_tools(call, ANTHROPIC_MESSAGES, losses)
    lose_values(
        losses,
        hints={
            "seed": call.seed,
            "frequency_penalty": call.frequency_penalty,
            "presence_penalty": call.presence_penalty,
            "logit_bias": call.logit_bias,
        },
        semantics={"n": call.n if (call.n or 1) > 1 else None, "logprobs": call.logprobs},
    )


def _short(turn: dict[str, Any]) -> dict[str, Any]:
    """Return a turn whose only block is plain text with the text itself as content."""
    content = turn["content"]
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return {**turn, "content": content[0]["text"]}
    return turn


def _render_identity(call: ModelCall, body: dict[str, Any], losses: Losses, *, native: bool) -> None:
    metadata = dict(call.metadata or {}) if native else {}
    if call.metadata and not native:
        losses.hint("metadata")
    if call.user is not None:
        metadata["user_id"] = call.user
    if metadata:
        body["metadata"] = metadata
    if call.service_tier is not None:
        tier = call.service_tier if native else _TIERS.get(call.service_tier)
        if tier is None:
            losses.hint("service_tier")
        else:
            body["service_tier"] = tier


def _render_tools(call: ModelCall, body: dict[str, Any], losses: Losses) -> None:
    tools = [_render_tool(tool) for tool in call.tools]
    tools += [dict(tool.value) for tool in call.opaque_tools if tool.format == ANTHROPIC_MESSAGES]
    if not tools:
        return
    body["tools"] = tools
    mode = call.tool_choice.mode if call.tool_choice is not None else "auto"
    choice: dict[str, Any] = {"type": _CHOICES[mode]}
    if call.tool_choice is not None and mode == "named":
        choice["name"] = call.tool_choice.name
    if call.parallel_tool_calls is False and mode != "none":
        choice["disable_parallel_tool_use"] = True
    if call.tool_choice is not None or "disable_parallel_tool_use" in choice:
        body["tool_choice"] = choice


def _render_tool(tool: Tool) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        rendered["description"] = tool.description
    rendered["input_schema"] = {"type": "object", **(tool.parameters or {"properties": {}})}
    if tool.strict is not None:
        rendered["strict"] = tool.strict
    return cached(rendered, tool.cache)


def _render_output(call: ModelCall, body: dict[str, Any], losses: Losses) -> None:
    format = call.response_format
    config: dict[str, Any] = {}
    if format is not None and format.kind == "json_schema":
        config["format"] = {"type": "json_schema", "schema": format.schema or {"type": "object"}}
    elif format is not None and format.kind == "json_object":
        losses.semantic("response_format")
    reasoning = call.reasoning
    if reasoning is not None and reasoning.effort not in (None, "none"):
        config["effort"] = _EFFORTS.get(reasoning.effort or "", reasoning.effort)
    if config:
        body["output_config"] = config


def _render_thinking(call: ModelCall, body: dict[str, Any], losses: Losses, writer: TurnWriter) -> None:
    """Add `thinking`, unless the provider would refuse it beside the rest of the call."""
    reasoning = call.reasoning
    if reasoning is None:
        return
    if not reasoning.enabled:
        body["thinking"] = {"type": "disabled"}
        return
    native = call.format == ANTHROPIC_MESSAGES
    if not native and (_is_forced(body) or writer.continues_unthought_tool_use()):
        losses.hint("reasoning")
        return
    if reasoning.budget_tokens is None:
        if reasoning.adaptive or not native:
            body["thinking"] = {"type": "adaptive"}
        return
    budget = max(MIN_THINKING_TOKENS, reasoning.budget_tokens)
    if call.max_tokens is None:
        body["max_tokens"] = budget + DEFAULT_MAX_TOKENS
    elif budget >= call.max_tokens:
        budget = call.max_tokens - 1
    if budget < MIN_THINKING_TOKENS:
        losses.hint("reasoning")
    else:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _is_forced(body: dict[str, Any]) -> bool:
    return body.get("tool_choice", {}).get("type") in ("any", "tool")


def _render_sampling(call: ModelCall, body: dict[str, Any], losses: Losses) -> None:
    """Add sampling members; other formats allow temperatures above 1, and any of them while thinking."""
    native = call.format == ANTHROPIC_MESSAGES
    thinks = body.get("thinking", {"type": "disabled"})["type"] != "disabled"
    for name, value in (("temperature", call.temperature), ("top_p", call.top_p), ("top_k", call.top_k)):
        if value is None:
            continue
        if thinks and not native:
            losses.hint(name)
        elif name == "temperature" and value > 1:
            losses.hint(name)
            body[name] = 1.0
        else:
            body[name] = value
