"""Core parts as content blocks.

Source: https://docs.anthropic.com/en/api/messages (read 2026-11); docs/decisions/0021.
"""

import base64
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

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
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["Block", "Turn", "TurnWriter", "cached", "tool_input"]

Block = dict[str, Any]
Turn = dict[str, Any]

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FOREIGN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
_THINKING: Final = ("thinking", "redacted_thinking")


class TurnWriter:
    """Writes one conversation as system text and alternating turns. `native`: it came in this format."""

    def __init__(self, losses: Losses, *, native: bool) -> None:
        self._losses = losses
        self._native = native
        self.system: list[Block] = []
        self.turns: list[Turn] = []

    def write(self, messages: Sequence[Message]) -> None:
        """Fill `system` and `turns`. System messages move to the front, wherever they stood."""
        for message in messages:
            blocks = [block for part in message.parts if (block := self._block(part)) is not None]
            if message.role in ("system", "developer"):
                self.system += blocks
            elif blocks:
                self._append("assistant" if message.role == "assistant" else "user", blocks)
        if not self.turns and self.system:
            self.turns.append({"role": "user", "content": self.system})
            self.system = []
        for turn in self.turns:
            if turn["role"] == "user":
                turn["content"].sort(key=lambda block: block["type"] != "tool_result")
        self._trim_last()

    def continues_unthought_tool_use(self) -> bool:
        """Whether the last turn answers tool calls of an assistant turn that does not begin with thinking."""
        if len(self.turns) < 2 or self.turns[-1]["content"][0]["type"] != "tool_result":
            return False
        return self.turns[-2]["content"][0]["type"] not in _THINKING

    def _append(self, role: str, blocks: list[Block]) -> None:
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += blocks
        else:
            self.turns.append({"role": role, "content": blocks})

    def _trim_last(self) -> None:
        """A final assistant turn, which the model continues, may not end in white space."""
        if self.turns and self.turns[-1]["role"] == "assistant":
            last = self.turns[-1]["content"][-1]
            if last["type"] == "text":
                last["text"] = last["text"].rstrip()

    def _block(self, part: Part) -> Block | None:
        match part:
            case Text():
                return self._text(part)
            case Refusal():
                return {"type": "text", "text": part.text} if part.text.strip() else None
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)
            case Reasoning():
                return self._reasoning(part)
            case ToolUse():
                if part.signature is not None:
                    self._losses.hint("thinking_signature")
                block = {"type": "tool_use", "id": _own_id(part.id), "name": part.name}
                return cached({**block, "input": tool_input(part.arguments)}, part.cache)
            case ToolResult():
                return self._result(part)
            case Opaque(format="anthropic_messages"):
                return dict(part.value)
            case Opaque():
                self._losses.semantic(f"messages.content.{part.value.get('type', 'part')}")
            case Audio():
                self._losses.semantic("messages.content.input_audio")
        return None

    def _text(self, part: Text) -> Block | None:
        """Empty text is refused by the provider, and says nothing."""
        if not part.text.strip():
            return None
        extra = dict(part.extra or {}) if self._native else {}
        return cached({"type": "text", "text": part.text, **extra}, part.cache)

    def _result(self, part: ToolResult) -> Block:
        content = [block for inner in part.parts if (block := self._block(inner)) is not None]
        result: Block = {"type": "tool_result", "tool_use_id": _own_id(part.tool_use_id)}
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            result["content"] = content[0]["text"]
        elif content:
            result["content"] = content
        if part.is_error:
            result["is_error"] = True
        return cached(result, part.cache)

    def _image(self, part: Image) -> Block:
        if part.detail not in (None, "auto"):
            self._losses.hint("image_url.detail")
        if part.data is None:
            return cached({"type": "image", "source": {"type": "url", "url": part.url}}, part.cache)
        source = {"type": "base64", "media_type": part.media_type or "image/png", "data": part.data}
        return cached({"type": "image", "source": source}, part.cache)

    def _document(self, part: Document) -> Block | None:
        source = self._document_source(part)
        if source is None:
            return None
        block: Block = {"type": "document", "source": source}
        if part.title is not None:
            block["title"] = part.title
        if self._native:
            block.update(part.extra or {})
        return cached(block, part.cache)

    def _document_source(self, part: Document) -> Block | None:
        media_type = part.media_type or "application/pdf"
        if part.text is not None:
            return {"type": "text", "media_type": "text/plain", "data": part.text}
        if part.url is not None:
            return {"type": "url", "url": part.url}
        if part.data is not None and media_type.startswith("text/"):
            try:
                text = base64.b64decode(part.data, validate=True).decode()
            except ValueError:
                self._losses.semantic("messages.content.file")
                return None
            return {"type": "text", "media_type": "text/plain", "data": text}
        if part.data is not None and media_type == "application/pdf":
            return {"type": "base64", "media_type": media_type, "data": part.data}
        if part.file_id is not None and self._native:
            return {"type": "file", "file_id": part.file_id}
        self._losses.semantic("messages.content.file")
        return None

    def _reasoning(self, part: Reasoning) -> Block | None:
        """Only thinking that this format's provider signed may go back to it."""
        if part.origin == ANTHROPIC_MESSAGES and part.redacted is not None:
            return {"type": "redacted_thinking", "data": part.redacted}
        if part.origin == ANTHROPIC_MESSAGES and part.signature is not None:
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        signed = part.signature is not None or part.redacted is not None
        self._losses.hint("thinking_signature" if signed else "reasoning")
        return None


def cached(block: Block, cache: CacheMark | None) -> Block:
    """Return a block with its cache breakpoint."""
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return block


def tool_input(arguments: str) -> Any:
    """Return the `input` of a call, digits as they were; what is not a JSON object goes under one name."""
    try:
        _OBJECT.decode(arguments or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"raw_arguments": arguments}
    return msgspec.Raw((arguments or "{}").encode())


def _own_id(id: str) -> str:
    """Return an id of the letters this format allows; a call and its result stay a pair."""
    return _FOREIGN_ID.sub("_", id)
