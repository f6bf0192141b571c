"""Core messages as members of a chat request. Source: spec 01 §1.2; docs/decisions/0021."""

from collections.abc import Iterable, Sequence
from typing import Any

from gatewayz.dialects.data_url import join_data_url
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
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["MessageWriter", "render_tool_call"]

Member = dict[str, Any]


class MessageWriter:
    """Writes one conversation. `native`: it came in this format, so what only it knows is kept."""

    def __init__(self, losses: Losses, *, native: bool) -> None:
        self._losses = losses
        self._native = native

    def write(self, messages: Sequence[Message]) -> list[Member]:
        """Return the `messages` member. Raises UnsupportedFeature by way of the losses."""
        written: list[Member] = []
        for message in messages:
            written += self._message(message)
        return written

    def _message(self, message: Message) -> list[Member]:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        others = [part for part in message.parts if not isinstance(part, ToolResult)]
        written = self._results(results)
        if message.role == "assistant":
            written.append(self._assistant(others, message.name))
        elif others:
            role = "user" if message.role == "tool" else message.role
            written.append(_named({"role": role, "content": self._content(others)}, message.name))
        return written

    def _results(self, results: list[ToolResult]) -> list[Member]:
        """Return tool messages; images follow as a user message, for a tool message holds text only."""
        written: list[Member] = []
        images: list[Part] = []
        for result in results:
            self._cache(result.cache)
            if result.is_error:
                self._losses.hint("tool_result.is_error")
            shown = [part for part in result.parts if not isinstance(part, Image)]
            pictures = [part for part in result.parts if isinstance(part, Image)]
            if pictures:
                images += (Text(text=f"Images in the result of tool call {result.tool_use_id}:"), *pictures)
            content = self._content(shown) if shown else ""
            written.append({"role": "tool", "tool_call_id": result.tool_use_id, "content": content})
        if images:
            written.append({"role": "user", "content": self._content(images)})
        return written

    def _assistant(self, parts: Sequence[Part], name: str | None) -> Member:
        written: Member = {"role": "assistant"}
        shown: list[Part] = []
        calls: list[Member] = []
        reasoning: list[str] = []
        for part in parts:
            match part:
                case Reasoning():
                    reasoning += self._reasoning(part)
                case ToolUse():
                    calls.append(self._call(part))
                case Refusal():
                    written["refusal"] = written.get("refusal", "") + part.text
                case Opaque(format="openai_chat", value={"type": "audio", "audio": audio}):
                    written["audio"] = audio
                case Opaque(format="openai_chat", value={"custom": _}):
                    calls.append(dict(part.value))
                case _:
                    shown.append(part)
        if shown or not (calls or "refusal" in written or "audio" in written):
            written["content"] = self._content(shown) if shown else ""
        else:
            written["content"] = None
        if reasoning:
            written["reasoning_content"] = "".join(reasoning)
        if calls:
            written["tool_calls"] = calls
        return _named(written, name)

    def _call(self, call: ToolUse) -> Member:
        self._cache(call.cache)
        if call.signature is not None:
            self._losses.hint("thinking_signature")
        return render_tool_call(call)

    def _reasoning(self, part: Reasoning) -> Iterable[str]:
        if part.signature is not None or part.redacted is not None:
            self._losses.hint("thinking_signature")
        elif part.origin not in (None, OPENAI_CHAT):
            self._losses.hint("reasoning")
        return (part.text,) if part.origin in (None, OPENAI_CHAT) and part.text else ()

    def _content(self, parts: Sequence[Part]) -> str | list[Member]:
        if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].cache is None:
            return parts[0].text
        written = [member for part in parts if (member := self._part(part)) is not None]
        if len(written) == 1 and written[0].keys() == {"type", "text"}:
            return str(written[0]["text"])
        return written or ""

    def _part(self, part: Part) -> Member | None:
        match part:
            case Text():
                return self._cached({"type": "text", "text": part.text}, part.cache) if part.text else None
            case Image():
                return self._cached({"type": "image_url", "image_url": _image(part)}, part.cache)
            case Audio():
                return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
            case Document():
                return self._document(part)
            case Refusal():
                return {"type": "refusal", "refusal": part.text}
            case Opaque(format="openai_chat"):
                return dict(part.value)
            case Opaque():
                self._losses.semantic(f"messages.content.{part.value.get('type', 'block')}")
            case Reasoning():
                self._losses.hint("reasoning")
            case ToolUse() | ToolResult():
                self._losses.semantic(f"messages.content.{type(part).__name__}")
        return None

    def _document(self, part: Document) -> Member | None:
        if part.text is not None:
            text = f"{part.title}\n\n{part.text}" if part.title else part.text
            return self._cached({"type": "text", "text": text}, part.cache)
        if part.data is not None:
            data = join_data_url(part.media_type, part.data)
            file = {"filename": part.title or _file_name(part.media_type), "file_data": data}
            return self._cached({"type": "file", "file": file}, part.cache)
        if part.file_id is not None and self._native:
            file = {"file_id": part.file_id}
            return self._cached({"type": "file", "file": file}, part.cache)
        self._losses.semantic("document.url" if part.url is not None else "document.file_id")
        return None

    def _cached(self, member: Member, cache: CacheMark | None) -> Member:
        if self._cache(cache) and cache is not None:
            member["cache_control"] = {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})
        return member

    def _cache(self, cache: CacheMark | None) -> bool:
        """Return whether a breakpoint is written: compatible providers know it from callers of this format only."""
        if cache is not None and not self._native:
            self._losses.hint("cache_control")
        return self._native


def render_tool_call(call: ToolUse) -> Member:
    """Return one of an assistant's `tool_calls`."""
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }


def _named(message: Member, name: str | None) -> Member:
    if name is not None:
        message["name"] = name
    return message


def _image(part: Image) -> Member:
    url = part.url if part.data is None else join_data_url(part.media_type, part.data)
    return {"url": url, "detail": part.detail} if part.detail else {"url": url}


def _file_name(media_type: str | None) -> str:
    return "document.pdf" if media_type in (None, "application/pdf") else "document"
