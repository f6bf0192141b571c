"""Messages of a chat request as core values. Source: spec 01 §1.2."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.data_url import split_data_url
from gatewayz.dialects.openai_chat.wire import (
    RULES,
    CacheControl,
    ChatMessage,
    ContentPart,
    FileInput,
    ImageUrl,
    InputAudio,
    ReasoningDetail,
    ToolCall,
)
from gatewayz.dialects.request_decoding import decoded_member, invalid, strictly_decoded
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
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["cache_mark", "parse_messages"]

_IMAGE: Final = msgspec.json.Decoder(ImageUrl | str)
_AUDIO: Final = msgspec.json.Decoder(InputAudio)
_FILE: Final = msgspec.json.Decoder(FileInput)
_LEGACY_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


def parse_messages(messages: Sequence[ChatMessage], raw: msgspec.Raw) -> tuple[Message, ...]:
    """Return core messages; a run of tool answers becomes one message of role `tool`.

    `raw`: the same messages as bytes, for parts only this format understands. Raises InvalidRequest.
    """
    reader = _MessageReader(raw)
    parsed: list[Message] = []
    results: list[Part] = []
    for index, message in enumerate(messages):
        if message.role in ("tool", "function"):
            results.append(reader.tool_result(message, index))
            continue
        if results:
            parsed.append(Message(role="tool", parts=tuple(results)))
            results = []
        if message.role == "assistant":
            parts = tuple(reader.assistant_parts(message, index))
        else:
            parts = tuple(reader.content_parts(message, index))
        parsed.append(Message(role=message.role, parts=parts, name=message.name))  # type: ignore[arg-type]  # see above
    if results:
        parsed.append(Message(role="tool", parts=tuple(results)))
    return tuple(parsed)


class _MessageReader:
    """Reads one conversation; remembers the ids given to calls of the legacy `function_call` form."""

    def __init__(self, raw: msgspec.Raw) -> None:
        self._raw = raw
        self._legacy_ids: dict[str, str] = {}

    def content_parts(self, message: ChatMessage, index: int) -> Iterator[Part]:
        if isinstance(message.content, str):
            if message.content:
                yield Text(text=message.content)
            return
        for number, part in enumerate(message.content or ()):
            yield self._part(part, index, number)

    def assistant_parts(self, message: ChatMessage, index: int) -> Iterator[Part]:
        yield from _reasoning(message)
        yield from self.content_parts(message, index)
        if message.refusal:
            yield Refusal(text=message.refusal)
        if memoryview(message.audio):
            yield Opaque(
                format=OPENAI_CHAT,
                value={"type": "audio", "audio": decoded_member(message.audio, f"messages[{index}].audio")},
            )
        for number, call in enumerate(message.tool_calls or ()):
            yield self._tool_use(call, index, number)
        if message.function_call is not None:
            name = message.function_call.name
            id = f"call_{index}_{_LEGACY_ID.sub('_', name)}"
            self._legacy_ids[name] = id
            yield ToolUse(id=id, name=name, arguments=message.function_call.arguments)

    def tool_result(self, message: ChatMessage, index: int) -> ToolResult:
        id = message.tool_call_id
        if id is None:
            id = self._legacy_ids.get(message.name or "")
        if id is None:
            where = f"messages[{index}].name"
            raise invalid(f"{where} names no function that was called before", where, "INVALID_MESSAGE_FORMAT")
        parts = []
        for part in self.content_parts(message, index):
            if not isinstance(part, Text | Image | Document | Opaque):
                where = f"messages[{index}].content"
                raise invalid(f"{where} holds a part that a tool cannot answer", where, "INVALID_MESSAGE_FORMAT")
            parts.append(part)
        return ToolResult(tool_use_id=id, parts=tuple(parts))

    def _tool_use(self, call: ToolCall, index: int, number: int) -> ToolUse | Opaque:
        if call.function is None:
            return Opaque(format=OPENAI_CHAT, value=self._decoded(index, "tool_calls", number))
        return ToolUse(
            id=call.id,
            name=call.function.name,
            arguments=call.function.arguments or "{}",
            signature=_thought_signature(call.extra_content),
        )

    def _part(self, part: ContentPart, index: int, number: int) -> Part:
        where = f"messages[{index}].content[{number}].{part.type}"
        cache = cache_mark(part.cache_control)
        match part.type:
            case "text":
                return Text(text=part.text or "", cache=cache)
            case "refusal":
                return Refusal(text=part.refusal or "")
            case "image_url":
                image = strictly_decoded(part.image_url, _IMAGE, where, RULES)
                return _image(ImageUrl(url=image) if isinstance(image, str) else image, cache)
            case "input_audio":
                audio = strictly_decoded(part.input_audio, _AUDIO, where, RULES)
                return Audio(data=audio.data, format=audio.format)
            case "file":
                return _document(strictly_decoded(part.file, _FILE, where, RULES), where, cache)
        return Opaque(format=OPENAI_CHAT, value=self._decoded(index, "content", number))

    def _decoded(self, index: int, member: str, number: int) -> dict[str, Any]:
        """Return a part with all its members; such parts are rare, so the decoding is not kept."""
        part: dict[str, Any] = decoded_member(self._raw, "messages")[index][member][number]
        return part


def cache_mark(control: CacheControl | None) -> CacheMark | None:
    """Return a cache breakpoint as the core has it."""
    return None if control is None else CacheMark(ttl=control.ttl)


def _reasoning(message: ChatMessage) -> Iterator[Reasoning]:
    """Return thinking blocks. In a message put together from a stream only `reasoning_content` holds the text."""
    details = message.reasoning_details or ()
    text = "" if any(detail.text for detail in details) else message.reasoning_content or ""
    for detail in details:
        reasoning = _reasoning_detail(detail)
        if text and reasoning.redacted is None:
            reasoning, text = msgspec.structs.replace(reasoning, text=text), ""
        yield reasoning
    if text:
        yield Reasoning(text=text, origin=OPENAI_CHAT)


def _reasoning_detail(detail: ReasoningDetail) -> Reasoning:
    return Reasoning(
        text=detail.text or "",
        signature=detail.signature,
        redacted=detail.data,
        id=detail.id,
        origin=detail.format or OPENAI_CHAT,
    )


def _thought_signature(extra: object) -> str | None:
    """Source: Google, "OpenAI compatibility", thought signatures (2026-11)."""
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else None
    return found if isinstance(found, str) else None


def _image(image: ImageUrl, cache: CacheMark | None) -> Image:
    inline = split_data_url(image.url)
    if inline is None:
        return Image(url=image.url, detail=image.detail, cache=cache)
    return Image(data=inline.data, media_type=inline.media_type, detail=image.detail, cache=cache)


def _document(file: FileInput, where: str, cache: CacheMark | None) -> Document:
    if file.file_id is not None:
        return Document(file_id=file.file_id, title=file.filename, cache=cache)
    inline = split_data_url(file.file_data or "")
    if inline is None:
        raise invalid(f"{where} must hold file_id, or file_data as a data URL", f"{where}.file_data")
    return Document(data=inline.data, media_type=inline.media_type, title=file.filename, cache=cache)
