"""Output items of a response: from core parts, and back.

Source: OpenAI API reference, "The response object", `output` (2026-11).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from gatewayz.dialects.openai_responses.freeform import unwrap_input
from gatewayz.dialects.openai_responses.seal import (
    open_reasoning,
    open_tool_signature,
    seal_reasoning,
    seal_tool_signature,
)
from gatewayz.dialects.openai_responses.wire import OutputContent, OutputItem, SummaryPart
from gatewayz.sdk.chat import Opaque, Part, Reasoning, Refusal, Text, ToolUse
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = [
    "call_item",
    "message_item",
    "parse_output",
    "readable_thinking",
    "reasoning_item",
    "refusal_part",
    "render_output",
    "signature_item",
    "text_part",
]

JsonObject = dict[str, Any]


def text_part(text: str, logprobs: Sequence[Any] = (), annotations: Sequence[Any] = ()) -> JsonObject:
    """Return visible text as a content part."""
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": list(logprobs)}


def refusal_part(text: str) -> JsonObject:
    """Return a refusal as a content part."""
    return {"type": "refusal", "refusal": text}


def message_item(id: str, content: Sequence[JsonObject], status: str = "completed") -> JsonObject:
    """Return an assistant message."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def reasoning_item(id: str, text: str, encrypted: str | None) -> JsonObject:
    """Return thinking: its readable text as one summary part, the rest encrypted."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: JsonObject = {"id": id, "type": "reasoning", "summary": summary}
    if encrypted is not None:
        item["encrypted_content"] = encrypted
    return item


def signature_item(id: str, signature: str) -> JsonObject:
    """Return the empty reasoning item that carries the signature of the tool call behind it."""
    return reasoning_item(id, "", seal_tool_signature(signature))


def call_item(
    id: str, call_id: str, name: str, arguments: str, *, freeform: bool = False, status: str = "completed"
) -> JsonObject:
    """Return a tool call; `arguments` is JSON text, of which a freeform tool gets its input."""
    item: JsonObject = {"id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name}
    if freeform:
        item["type"] = "custom_tool_call"
        item["input"] = unwrap_input(arguments) if arguments else ""
    else:
        item["arguments"] = arguments
    return item


def render_output(
    parts: Sequence[Part], *, stem: str, freeform: frozenset[str] = frozenset(), logprobs: Sequence[Any] = ()
) -> list[JsonObject]:
    """Return the output items of one answer; `stem` makes their ids. Neighbouring text shares a message."""
    items: list[JsonObject] = []
    content: list[JsonObject] | None = None
    for part in parts:
        if isinstance(part, Text | Refusal):
            if content is None:
                content = []
                items.append(message_item(f"msg_{stem}_{len(items)}", ()))
                items[-1]["content"] = content
            if isinstance(part, Refusal):
                content.append(refusal_part(part.text))
            else:
                annotations = (part.extra or {}).get("annotations") or ()
                content.append(text_part(part.text, logprobs, annotations))
                logprobs = ()
            continue
        content = None
        if isinstance(part, Reasoning):
            id = part.id or f"rs_{stem}_{len(items)}"
            items.append(reasoning_item(id, part.text, seal_reasoning(part)))
        elif isinstance(part, ToolUse):
            if part.signature is not None:
                items.append(signature_item(f"rs_{stem}_{len(items)}", part.signature))
            id = f"fc_{stem}_{len(items)}"
            items.append(call_item(id, part.id, part.name, part.arguments, freeform=part.name in freeform))
        elif isinstance(part, Opaque) and part.format == OPENAI_RESPONSES:
            items.append(dict(part.value))
    return items


def parse_output(items: Sequence[Any]) -> tuple[list[Part], list[Any]]:
    """Return the parts of an answer and the log probabilities of its text.

    Raises msgspec.ValidationError on items that are not of the format.
    """
    parts: list[Part] = []
    logprobs: list[Any] = []
    signature: str | None = None
    for raw in items:
        item = msgspec.convert(raw, OutputItem)
        if item.type == "message":
            for content in item.content or ():
                parts.append(_parse_content(content))
                logprobs += content.logprobs or ()
        elif item.type == "reasoning" and (sealed := open_tool_signature(item.encrypted_content)) is not None:
            signature = sealed
        elif item.type == "reasoning":
            parts.append(open_reasoning(item.encrypted_content, text=readable_thinking(item), id=item.id))
        elif item.type == "function_call" and isinstance(item.arguments, str):
            parts.append(ToolUse(id=item.call_id, name=item.name, arguments=item.arguments, signature=signature))
            signature = None
        else:
            parts.append(Opaque(format=OPENAI_RESPONSES, value=raw))
    return parts, logprobs


def readable_thinking(item: OutputItem) -> str:
    """Return the summary, or else the open reasoning text, of a reasoning item; paragraphs are set apart."""
    pieces: Sequence[SummaryPart | OutputContent] = item.summary or item.content or ()
    return "\n\n".join(piece.text for piece in pieces)


def _parse_content(content: OutputContent) -> Text | Refusal:
    if content.type == "refusal":
        return Refusal(text=content.refusal)
    return Text(text=content.text, extra={"annotations": content.annotations} if content.annotations else None)
