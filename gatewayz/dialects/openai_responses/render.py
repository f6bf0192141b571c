"""A request to an upstream that speaks the Responses API.

Source: OpenAI API reference, "Create a model response" (2026-11).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from gatewayz.dialects.data_url import join_data_url
from gatewayz.dialects.losing import effort_of, lose_extra, lose_opaque_tools, lose_values
from gatewayz.dialects.openai_responses.output import message_item, reasoning_item, refusal_part, text_part
from gatewayz.dialects.openai_responses.tools import render_text_format, render_tool_choice, render_tools
from gatewayz.sdk.chat import (
    Audio,
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = ["render_call"]

JsonObject = dict[str, Any]


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body. Nothing is stored at the provider; encrypted thinking is asked for instead."""
    lose_values(
        losses,
        hints={
            "top_k": call.top_k,
            "seed": call.seed,
            "frequency_penalty": call.frequency_penalty,
            "presence_penalty": call.presence_penalty,
            "logit_bias": call.logit_bias,
        },
        semantics={"stop": call.stop, "n": call.n if (call.n or 1) > 1 else None},
    )
    lose_extra(call, OPENAI_RESPONSES, losses)
    lose_opaque_tools(call, OPENAI_RESPONSES, losses)
    instructions, messages = _split_instructions(call.messages)
    body: JsonObject = {"model": model, "input": _render_input(messages, losses), "store": False}
    if instructions:
        body["instructions"] = instructions
    if call.stream:
        body["stream"] = True
    _add_options(body, call)
    if tools := render_tools(call):
        body["tools"] = tools
        choice = render_tool_choice(call.tool_choice)
        if choice is not None:
            body["tool_choice"] = choice
        if call.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = call.parallel_tool_calls
    if call.format == OPENAI_RESPONSES:
        _add_extra(body, call)
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _add_options(body: JsonObject, call: ModelCall) -> None:
    include: list[str] = []
    for name, value in (
        ("max_output_tokens", call.max_tokens),
        ("temperature", call.temperature),
        ("top_p", call.top_p),
        ("user", call.user),
        ("service_tier", call.service_tier),
    ):
        if value is not None:
            body[name] = value
    if call.metadata:
        body["metadata"] = {name: str(value) for name, value in call.metadata.items()}
    if call.response_format is not None:
        body["text"] = {"format": render_text_format(call.response_format)}
    if call.reasoning is not None:
        body["reasoning"] = {"effort": effort_of(call.reasoning)}
        if call.reasoning.summary is not None:
            body["reasoning"]["summary"] = call.reasoning.summary
        if call.reasoning.enabled:
            include.append("reasoning.encrypted_content")
    if call.logprobs or call.top_logprobs:
        include.append("message.output_text.logprobs")
        body["top_logprobs"] = call.top_logprobs or 0
    if include:
        body["include"] = include


def _add_extra(body: JsonObject, call: ModelCall) -> None:
    for name, value in (call.extra or {}).items():
        if name == "verbosity":
            body.setdefault("text", {})["verbosity"] = value
        elif name == "include":
            body["include"] = list(dict.fromkeys([*body.get("include", ()), *value]))
        elif name != "store":
            body.setdefault(name, value)


def _split_instructions(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    if messages and messages[0].role == "system":
        texts = [part.text for part in messages[0].parts if isinstance(part, Text)]
        if len(texts) == len(messages[0].parts):
            return "\n\n".join(texts), messages[1:]
    return "", messages


def _render_input(messages: Sequence[Message], losses: Losses) -> list[JsonObject]:
    items: list[JsonObject] = []
    for message in messages:
        if message.role == "assistant":
            _render_turn(items, message.parts, losses)
        elif message.role == "tool":
            for part in message.parts:
                if isinstance(part, ToolResult):
                    items.append(_render_result(part, losses))
        else:
            _render_prompt(items, message, losses)
    return items


def _render_prompt(items: list[JsonObject], message: Message, losses: Losses) -> None:
    content: list[JsonObject] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            items.append(_render_result(part, losses))
        elif (rendered := _render_part(part, losses)) is not None:
            content.append(rendered)
    if content:
        items.append({"type": "message", "role": message.role, "content": content})


def _render_turn(items: list[JsonObject], parts: Sequence[Part], losses: Losses) -> None:
    content: list[JsonObject] | None = None
    for part in parts:
        if isinstance(part, Text | Refusal):
            if content is None:
                item = message_item(f"msg_{len(items)}", ())
                content = item["content"]
                items.append(item)
            content.append(refusal_part(part.text) if isinstance(part, Refusal) else text_part(part.text))
            continue
        content = None
        if isinstance(part, ToolUse):
            if part.signature is not None:
                losses.hint("thinking_signature")
            items.append(
                {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
            )
        elif isinstance(part, Reasoning):
            if part.origin != OPENAI_RESPONSES or part.redacted is None:
                losses.hint("thinking_signature" if part.signature or part.redacted else "reasoning")
                continue
            items.append(reasoning_item(part.id or f"rs_{len(items)}", part.text, part.redacted))
        elif isinstance(part, Opaque) and part.format == OPENAI_RESPONSES:
            items.append(dict(part.value))
        else:
            losses.semantic(f"messages.content.{type(part).__name__.lower()}")


def _render_result(result: ToolResult, losses: Losses) -> JsonObject:
    if result.is_error:
        losses.hint("tool_result.is_error")
    parts = result.parts
    output: str | list[JsonObject]
    if all(isinstance(part, Text) for part in parts):
        output = "\n".join(part.text for part in parts if isinstance(part, Text))
    else:
        output = [rendered for part in parts if (rendered := _render_part(part, losses)) is not None]
    return {"type": "function_call_output", "call_id": result.tool_use_id, "output": output}


def _render_part(part: Part, losses: Losses) -> JsonObject | None:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        url = part.url if part.data is None else join_data_url(part.media_type, part.data)
        return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
    if isinstance(part, Document):
        return _render_file(part)
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, Opaque) and part.format == OPENAI_RESPONSES:
        return dict(part.value)
    losses.semantic(f"messages.content.{type(part).__name__.lower()}")
    return None


def _render_file(part: Document) -> JsonObject:
    if part.text is not None:
        return {"type": "input_text", "text": f"{part.title}\n\n{part.text}" if part.title else part.text}
    rendered: JsonObject = {"type": "input_file"}
    if part.file_id is not None:
        rendered["file_id"] = part.file_id
    elif part.url is not None:
        rendered["file_url"] = part.url
    else:
        rendered["filename"] = part.title or "document.pdf"
        rendered["file_data"] = join_data_url(part.media_type or "application/pdf", part.data or "")
    return rendered
