"""A conversation as Converse's `messages` and `system`.

Source: AWS, Bedrock API reference "Message", "ContentBlock" (2026-11).
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatewayz.dialects.bedrock_converse.families import caches_prompts, is_claude
from gatewayz.dialects.tool_arguments import arguments_object
from gatewayz.sdk.chat import (
    Audio,
    CacheMark,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, BEDROCK_CONVERSE

__all__ = ["ConversationWriter", "cache_point"]

_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9\s\-()\[\]]+|\s+")
_DOCUMENT_FORMATS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
_NAME_LIMIT: Final = 200

JsonObject = dict[str, Any]


def cache_point(mark: CacheMark) -> JsonObject:
    """Return the block that ends what is cached."""
    point: JsonObject = {"type": "default"}
    if mark.ttl is not None:
        point["ttl"] = mark.ttl
    return {"cachePoint": point}


class ConversationWriter:
    """Writes one conversation for one model; what it cannot carry goes through `losses`."""

    def __init__(self, model: str, losses: Losses) -> None:
        self._losses = losses
        self._caches = caches_prompts(model)
        self._origins = {BEDROCK_CONVERSE, ANTHROPIC_MESSAGES} if is_claude(model) else {BEDROCK_CONVERSE}
        self._documents = 0
        self.system: list[JsonObject] = []
        self.messages: list[JsonObject] = []
        self.tool_names: dict[str, None] = {}
        """Tools that the history calls, in order."""

    def write(self, messages: Sequence[Message]) -> None:
        """Write all turns; neighbours of one role become one message, as Converse wants them to alternate."""
        for message in messages:
            if message.role in ("system", "developer"):
                for part in message.parts:
                    self._write_part(part, self.system)
                continue
            role = "assistant" if message.role == "assistant" else "user"
            blocks: list[JsonObject] = []
            for part in _results_first(message.parts):
                self._write_part(part, blocks)
            if not blocks:
                continue
            if self.messages and self.messages[-1]["role"] == role:
                self.messages[-1]["content"] += blocks
            else:
                self.messages.append({"role": role, "content": blocks})
        for turn in self.messages:
            _introduce_documents(turn["content"])

    def mark(self, mark: CacheMark | None, blocks: list[JsonObject]) -> None:
        """Add a cache point where the model takes one."""
        if mark is None:
            return
        if self._caches:
            blocks.append(cache_point(mark))
        else:
            self._losses.hint("cache_control")

    def _write_part(self, part: Part, blocks: list[JsonObject]) -> None:
        before = len(blocks)
        if isinstance(part, Text | Refusal):
            if part.text.strip():  # blank text is refused
                blocks.append({"text": part.text})
        elif isinstance(part, Image):
            blocks += self._render_image(part)
        elif isinstance(part, ToolUse):
            if part.signature is not None:
                self._losses.hint("thinking_signature")
            self.tool_names[part.name] = None
            arguments = arguments_object(part.arguments)
            blocks.append({"toolUse": {"toolUseId": _tool_id(part.id), "name": part.name, "input": arguments}})
        elif isinstance(part, ToolResult):
            blocks.append(self._render_result(part))
        elif isinstance(part, Document):
            blocks += self._render_document(part)
        elif isinstance(part, Reasoning):
            blocks += self._render_reasoning(part)
        elif isinstance(part, Audio):
            blocks.append({"audio": {"format": part.format, "source": {"bytes": part.data}}})
        elif part.format == BEDROCK_CONVERSE:
            blocks.append(dict(part.value))
        else:
            self._losses.semantic(f"messages.content.{part.value.get('type', 'block')}")
        if len(blocks) > before and not isinstance(part, Reasoning | Refusal | Audio | Opaque):
            self.mark(part.cache, blocks)

    def _render_image(self, part: Image) -> list[JsonObject]:
        if part.data is not None:
            format = (part.media_type or "image/png").rpartition("/")[2].lower().replace("jpg", "jpeg")
            return [{"image": {"format": format, "source": {"bytes": part.data}}}]
        if part.url is not None and part.url.startswith("s3://"):
            format = part.url.rpartition(".")[2].lower().replace("jpg", "jpeg")
            return [{"image": {"format": format, "source": {"s3Location": {"uri": part.url}}}}]
        self._losses.semantic("image.url")
        return []

    def _render_document(self, part: Document) -> list[JsonObject]:
        self._documents += 1
        title = _NOT_IN_NAMES.sub(" ", part.title or "").strip()
        name = f"{title[: _NAME_LIMIT - 10]} {self._documents}" if title else f"document {self._documents}"
        if part.text is not None:
            source: JsonObject = {"bytes": base64.b64encode(part.text.encode()).decode()}
            return [{"document": {"format": "txt", "name": name, "source": source}}]
        media_type = part.media_type or "application/pdf"
        format = _DOCUMENT_FORMATS.get(media_type.partition(";")[0].strip().lower())
        if format is None:
            self._losses.semantic("document.media_type")
        elif part.data is not None:
            return [{"document": {"format": format, "name": name, "source": {"bytes": part.data}}}]
        elif part.url is not None and part.url.startswith("s3://"):
            return [{"document": {"format": format, "name": name, "source": {"s3Location": {"uri": part.url}}}}]
        else:
            self._losses.semantic("document.url" if part.url is not None else "document.file_id")
        return []

    def _render_reasoning(self, part: Reasoning) -> list[JsonObject]:
        if part.origin in self._origins and part.redacted is not None:
            return [{"reasoningContent": {"redactedContent": part.redacted}}]
        if part.origin in self._origins and part.signature is not None:
            return [{"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}]
        self._losses.hint("thinking_signature" if part.signature or part.redacted else "reasoning")
        return []

    def _render_result(self, result: ToolResult) -> JsonObject:
        content: list[JsonObject] = []
        for part in result.parts:
            self._write_part(part, content)
        block: JsonObject = {"toolUseId": _tool_id(result.tool_use_id), "content": content}
        if result.is_error:
            block["status"] = "error"
        return {"toolResult": block}


def _results_first(parts: Sequence[Part]) -> list[Part]:
    """The turn after a tool call has to begin with the results."""
    return sorted(parts, key=lambda part: not isinstance(part, ToolResult))


def _introduce_documents(blocks: list[JsonObject]) -> None:
    """A message with a document must have text too."""
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        names = ", ".join(block["document"]["name"] for block in blocks if "document" in block)
        blocks.append({"text": f"Attached: {names}"})


def _tool_id(id: str) -> str:
    """Return an id Bedrock takes; another format's longer or odder one becomes its digest, the same each time."""
    if _TOOL_ID.fullmatch(id):
        return id
    return f"call_{hashlib.sha256(id.encode()).hexdigest()[:32]}"
