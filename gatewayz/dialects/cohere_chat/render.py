"""A request to Cohere's chat API, version 2.

Source: Cohere API reference "Chat (v2)", guides "Tool use", "Structured outputs", "Reasoning" (2026-11).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.data_url import join_data_url
from gatewayz.dialects.losing import budget_of, lose_cache_marks, lose_extra, lose_opaque_tools, lose_values
from gatewayz.sdk.chat import (
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    Part,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Text,
    Tool,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import COHERE_CHAT

__all__ = ["render_call"]

_LEAST_P: Final = 0.01
_MOST_P: Final = 0.99
"""The range of `p`; everything, as `top_p: 1` says, is not inside it."""
_NO_PARAMETERS: Final = {"type": "object", "properties": {}}

JsonObject = dict[str, Any]


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body."""
    _lose(call, losses)
    body: JsonObject = {"model": model, "messages": list(_render_messages(call.messages, losses))}
    if call.stream:
        body["stream"] = True
    for name, value in (
        ("max_tokens", call.max_tokens),
        ("temperature", call.temperature),
        ("p", min(max(call.top_p, _LEAST_P), _MOST_P) if call.top_p is not None else None),
        ("k", call.top_k),
        ("seed", call.seed),
        ("frequency_penalty", call.frequency_penalty if _is_penalty(call.frequency_penalty) else None),
        ("presence_penalty", call.presence_penalty if _is_penalty(call.presence_penalty) else None),
        ("stop_sequences", call.stop or None),
        ("logprobs", call.logprobs or None),
    ):
        if value is not None:
            body[name] = value
    _add_tools(body, call, losses)
    _add_response_format(body, call, losses)
    if call.reasoning is not None:
        _add_thinking(body, call.reasoning, model, losses)
    if call.format == COHERE_CHAT:
        body = {**(call.extra or {}), **body}
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _lose(call: ModelCall, losses: Losses) -> None:
    strict = [bool(tool.strict) for tool in call.tools]
    lose_values(
        losses,
        hints={
            "logit_bias": call.logit_bias,
            "top_logprobs": call.top_logprobs,
            "user": call.user,
            "metadata": call.metadata,
            "service_tier": call.service_tier if call.service_tier not in ("auto", "default") else None,
            "parallel_tool_calls": bool(call.tools) and call.parallel_tool_calls is False,
            "tools.strict": any(strict) and not all(strict),
            "frequency_penalty": not _is_penalty(call.frequency_penalty),
            "presence_penalty": not _is_penalty(call.presence_penalty),
        },
        semantics={"n": call.n if (call.n or 1) > 1 else None},
    )
    lose_extra(call, COHERE_CHAT, losses)
    lose_opaque_tools(call, COHERE_CHAT, losses)
    lose_cache_marks(call, losses)


def _is_penalty(value: float | None) -> bool:
    """Whether a penalty is not set or within Cohere's range, which has no rewards and ends at 1."""
    return value is None or 0 <= value <= 1


def _add_tools(body: JsonObject, call: ModelCall, losses: Losses) -> None:
    tools: Sequence[Tool] = call.tools
    choice = call.tool_choice
    if choice is not None and choice.mode == "named":
        # There is no way to name one: it is the only one offered, and some tool is required.
        tools = [tool for tool in tools if tool.name == choice.name]
        if not tools:
            losses.semantic("tool_choice")
    if not tools:
        return
    body["tools"] = [_render_tool(tool) for tool in tools]
    if all(tool.strict for tool in tools):
        body["strict_tools"] = True
    if choice is not None and choice.mode != "auto":
        body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _render_tool(tool: Tool) -> JsonObject:
    function: JsonObject = {"name": tool.name, "parameters": tool.parameters or _NO_PARAMETERS}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _add_response_format(body: JsonObject, call: ModelCall, losses: Losses) -> None:
    format = call.response_format
    if format is None or format.kind == "text":
        return
    if "tools" in body:
        losses.semantic("response_format")  # JSON output and tools exclude each other
        return
    body["response_format"] = {"type": "json_object"}
    if format.schema is not None:
        body["response_format"]["json_schema"] = format.schema


def _add_thinking(body: JsonObject, reasoning: ReasoningConfig, model: str, losses: Losses) -> None:
    budget = budget_of(reasoning)
    if "reasoning" not in model:
        if budget != 0:
            losses.hint("reasoning")
    elif budget == 0:
        body["thinking"] = {"type": "disabled"}
    else:
        body["thinking"] = {"type": "enabled"}
        if budget is not None:
            body["thinking"]["token_budget"] = budget


def _render_messages(messages: Sequence[Message], losses: Losses) -> Iterator[JsonObject]:
    for message in messages:
        if message.role == "assistant":
            if turn := _render_turn(message.parts, losses):
                yield turn
            continue
        content: list[JsonObject] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                yield _render_result(part, losses)
            elif (rendered := _render_part(part, losses)) is not None:
                content.append(rendered)
        if content:
            role = "user" if message.role in ("user", "tool") else "system"
            yield {"role": role, "content": _shorten(content)}


def _render_turn(parts: Sequence[Part], losses: Losses) -> JsonObject | None:
    """What is said beside tool calls is their plan."""
    thinking: list[JsonObject] = []
    texts: list[str] = []
    calls: list[JsonObject] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            if part.text:
                texts.append(part.text)
        elif isinstance(part, ToolUse):
            if part.signature is not None:
                losses.hint("thinking_signature")
            function = {"name": part.name, "arguments": part.arguments or "{}"}
            calls.append({"id": part.id, "type": "function", "function": function})
        elif isinstance(part, Reasoning):
            if part.signature is not None or part.redacted is not None:
                losses.hint("thinking_signature")
            elif part.text:
                thinking.append({"type": "thinking", "thinking": part.text})
        else:
            losses.semantic(f"messages.content.{type(part).__name__.lower()}")
    turn: JsonObject = {"role": "assistant"}
    if calls:
        turn["tool_calls"] = calls
        if texts:
            turn["tool_plan"] = "\n".join(texts)
    else:
        thinking += [{"type": "text", "text": text} for text in texts]
    if thinking:
        turn["content"] = _shorten(thinking)
    return turn if calls or thinking else None


def _shorten(content: list[JsonObject]) -> list[JsonObject] | str:
    if len(content) == 1 and content[0]["type"] == "text":
        text: str = content[0]["text"]
        return text
    return content


def _render_result(result: ToolResult, losses: Losses) -> JsonObject:
    if result.is_error:
        losses.hint("tool_result.is_error")
    for part in result.parts:
        if not isinstance(part, Text):
            losses.semantic(f"messages.tool_result.{type(part).__name__.lower()}")
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    return {"role": "tool", "tool_call_id": result.tool_use_id, "content": text}


def _render_part(part: Part, losses: Losses) -> JsonObject | None:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, Image):
        url = part.url if part.data is None else join_data_url(part.media_type, part.data)
        image: JsonObject = {"url": url}
        if part.detail is not None:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Document) and part.text is not None:
        return {"type": "text", "text": f"{part.title}\n\n{part.text}" if part.title else part.text}
    if isinstance(part, Opaque) and part.format == COHERE_CHAT:
        return dict(part.value)
    losses.semantic(f"messages.content.{type(part).__name__.lower()}")
    return None
