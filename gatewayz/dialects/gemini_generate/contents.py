"""A conversation as Gemini's `contents` and `systemInstruction`.

Source: Google, Gemini API reference "Content", guides "Function calling" and "Thought signatures" (2026-11).
"""

import mimetypes
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.tool_arguments import arguments_object, result_object
from gatewayz.sdk.chat import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.wire import GEMINI_GENERATE

__all__ = ["UNSIGNED", "render_contents"]

UNSIGNED: Final = "skip_thought_signature_validator"
"""Stands in for the signature of a call that another model made; Gemini 3 refuses a history without one."""

JsonObject = dict[str, Any]


def render_contents(
    messages: Sequence[Message], losses: Losses, *, sign_calls: bool
) -> tuple[list[JsonObject], list[JsonObject]]:
    """Return the parts of the system instruction, and the contents.

    `sign_calls`: the first tool call of each turn needs a signature, a stand-in if it has none.
    """
    instructions: list[JsonObject] = []
    contents: list[JsonObject] = []
    calls: dict[str, tuple[int, str]] = {}
    for message in messages:
        if message.role in ("system", "developer"):
            instructions += _render_parts(message.parts, losses, calls)
            continue
        if message.role == "assistant":
            for part in message.parts:
                if isinstance(part, ToolUse):
                    calls[part.id] = (len(calls), part.name)
        parts = _render_parts(_in_call_order(message.parts, calls), losses, calls)
        if message.role == "assistant" and sign_calls:
            _sign_first_call(parts)
        if parts:
            contents.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
    if not contents and instructions:
        return [], [{"role": "user", "parts": instructions}]
    return instructions, contents


def _in_call_order(parts: Sequence[Part], calls: dict[str, tuple[int, str]]) -> list[Part]:
    """Put tool results first, in the order of their calls: models that ignore ids match by position."""
    results = [part for part in parts if isinstance(part, ToolResult)]
    results.sort(key=lambda result: calls.get(result.tool_use_id, (len(calls), ""))[0])
    return [*results, *(part for part in parts if not isinstance(part, ToolResult))]


def _sign_first_call(parts: list[JsonObject]) -> None:
    for part in parts:
        if "functionCall" in part:
            part.setdefault("thoughtSignature", UNSIGNED)
            return


def _render_parts(parts: Sequence[Part], losses: Losses, calls: dict[str, tuple[int, str]]) -> list[JsonObject]:
    rendered: list[JsonObject] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            if part.text:
                rendered.append({"text": part.text})
        elif isinstance(part, Image):
            rendered.append(_render_file(part.data, part.url, part.media_type or "image/jpeg"))
        elif isinstance(part, ToolUse):
            rendered.append(_render_call(part))
        elif isinstance(part, ToolResult):
            rendered += _render_result(part, calls.get(part.tool_use_id, (0, part.tool_use_id))[1], losses)
        elif isinstance(part, Audio):
            rendered.append({"inlineData": {"mimeType": f"audio/{part.format}", "data": part.data}})
        elif isinstance(part, Document):
            rendered += _render_document(part, losses)
        elif isinstance(part, Reasoning):
            rendered += _render_reasoning(part, losses)
        elif part.format == GEMINI_GENERATE:
            rendered.append(dict(part.value))
        else:
            losses.semantic(f"messages.content.{part.value.get('type', 'block')}")
    return rendered


def _render_file(data: str | None, url: str | None, media_type: str) -> JsonObject:
    if data is not None:
        return {"inlineData": {"mimeType": media_type, "data": data}}
    guessed = mimetypes.guess_type((url or "").partition("?")[0])[0]
    return {"fileData": {"mimeType": guessed or media_type, "fileUri": url}}


def _render_document(part: Document, losses: Losses) -> list[JsonObject]:
    if part.text is not None:
        return [{"text": f"{part.title}\n\n{part.text}" if part.title else part.text}]
    if part.data is not None or part.url is not None:
        return [_render_file(part.data, part.url, part.media_type or "application/pdf")]
    if part.file_id is not None and part.file_id.startswith(("files/", "gs://", "https://")):
        return [_render_file(None, part.file_id, part.media_type or "application/pdf")]
    losses.semantic("document.file_id")
    return []


def _render_reasoning(part: Reasoning, losses: Losses) -> list[JsonObject]:
    if part.origin != GEMINI_GENERATE or part.signature is None:
        losses.hint("thinking_signature" if part.signature or part.redacted else "reasoning")
        return []
    if part.text:
        return [{"text": part.text, "thought": True, "thoughtSignature": part.signature}]
    return [{"text": "", "thoughtSignature": part.signature}]


def _render_call(part: ToolUse) -> JsonObject:
    call = {"id": part.id, "name": part.name, "args": arguments_object(part.arguments)}
    if part.signature is not None:
        return {"functionCall": call, "thoughtSignature": part.signature}
    return {"functionCall": call}


def _render_result(result: ToolResult, name: str, losses: Losses) -> list[JsonObject]:
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    response: msgspec.Raw | JsonObject | None = None if result.is_error else result_object(text)
    if response is None:
        response = {"error" if result.is_error else "output": text}
    answer = {"functionResponse": {"id": result.tool_use_id, "name": name, "response": response}}
    files = [part for part in result.parts if not isinstance(part, Text)]
    return [answer, *_render_parts(files, losses, {})]
