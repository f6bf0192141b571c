"""A messages request as core values. Source: spec 01 §4; docs/decisions/0021."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from gatewayz.dialects.anthropic_messages.head import check_body
from gatewayz.dialects.anthropic_messages.wire import (
    RULES,
    Block,
    CacheControl,
    MessageMember,
    MessagesBody,
    Source,
    ToolChoiceMember,
    body_reader,
)
from gatewayz.dialects.request_decoding import EXTENSIONS, decoded_member, invalid, strictly_decoded
from gatewayz.sdk.chat import (
    CacheMark,
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    Part,
    Reasoning,
    ReasoningConfig,
    ResponseFormat,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["parse_call"]

_SOURCE: Final = msgspec.json.Decoder(Source)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_CHOICES: Final[dict[str, Literal["auto", "required", "none", "named"]]] = {
    "auto": "auto",
    "any": "required",
    "none": "none",
    "tool": "named",
}
_Path = tuple[str | int, ...]


def parse_call(body: bytes, *, model: str) -> ModelCall:
    """Return the call; `model` replaces the body's. Raises InvalidRequest, also for a stored thread."""
    message, members = body_reader.read(body)
    check_body(message)
    if memoryview(message.thread) and bytes(message.thread) != b"null":
        raise _thread_unsupported()
    reader = _BlockReader(members)
    metadata = dict(message.metadata or {})
    user = metadata.pop("user_id", None)
    choice = message.tool_choice
    tools, opaque_tools = _parse_tools(message, members)
    return ModelCall(
        model=model,
        messages=tuple(_parse_messages(message, reader)),
        tools=tools,
        opaque_tools=opaque_tools,
        tool_choice=None if choice is None else _parse_choice(choice),
        parallel_tool_calls=None if choice is None or not choice.disable_parallel_tool_use else False,
        response_format=_parse_format(message),
        max_tokens=message.max_tokens,
        temperature=message.temperature,
        top_p=message.top_p,
        top_k=message.top_k,
        stop=tuple(message.stop_sequences or ()),
        reasoning=_parse_reasoning(message),
        user=user if isinstance(user, str) else None,
        service_tier=message.service_tier,
        metadata=metadata or None,
        stream=bool(message.stream),
        include_usage=True,
        format=ANTHROPIC_MESSAGES,
        extra={
            name: decoded_member(raw, name)
            for name, raw in members.items()
            if name not in message.__struct_fields__ and name not in EXTENSIONS
        }
        or None,
    )


def _thread_unsupported() -> InvalidRequest:
    """The words by which official clients know to send the whole conversation instead."""
    return invalid(
        "this model's provider keeps no message threads: send the whole conversation without 'thread'",
        "thread",
        "UNSUPPORTED_PARAMETER",
        error_code="thread_unsupported_request",
        unsupported=["thread"],
    )


def _parse_messages(message: MessagesBody, reader: "_BlockReader") -> Iterator[Message]:
    if system := tuple(reader.parts(message.system or "", ("system",))):
        yield Message(role="system", parts=system)
    for index, turn in enumerate(message.messages):
        yield from _parse_turn(turn, reader, ("messages", index, "content"))


def _parse_turn(turn: MessageMember, reader: "_BlockReader", path: _Path) -> Iterator[Message]:
    """Tool results of a user turn become a message of their own, in front of the rest."""
    parts = tuple(reader.parts(turn.content, path))
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    rest = tuple(part for part in parts if not isinstance(part, ToolResult)) if results else parts
    if results:
        yield Message(role="tool", parts=results)
    if rest or not results:
        yield Message(role=turn.role, parts=rest)


class _BlockReader:
    """Reads content blocks; finds the whole of a block again when only this format understands it."""

    def __init__(self, members: Mapping[str, msgspec.Raw]) -> None:
        self._members = members

    def parts(self, content: str | Sequence[Block], path: _Path) -> Iterator[Part]:
        if isinstance(content, str):
            if content:
                yield Text(text=content)
            return
        for index, block in enumerate(content):
            yield self._part(block, (*path, index))

    def _part(self, block: Block, path: _Path) -> Part:
        cache = _cache(block.cache_control)
        match block.type:
            case "text":
                return Text(text=block.text or "", cache=cache, extra=_citations(block.citations))
            case "image" | "document":
                return self._file(block, path, cache)
            case "thinking":
                return Reasoning(
                    text=block.thinking or "", signature=block.signature or None, origin=ANTHROPIC_MESSAGES
                )
            case "redacted_thinking":
                return Reasoning(redacted=block.data, origin=ANTHROPIC_MESSAGES)
            case "tool_use":
                arguments = bytes(block.input).decode()
                return ToolUse(id=block.id or "", name=block.name or "", arguments=arguments, cache=cache)
            case "tool_result":
                return self._result(block, path, cache)
        return self._opaque(path)

    def _result(self, block: Block, path: _Path, cache: CacheMark | None) -> ToolResult | Opaque:
        if isinstance(block.content, dict):
            return self._opaque(path)
        parts: list[Text | Image | Document | Opaque] = []
        for index, part in enumerate(self.parts(block.content or "", (*path, "content"))):
            parts.append(part if isinstance(part, Text | Image | Document) else self._opaque((*path, "content", index)))
        return ToolResult(
            tool_use_id=block.tool_use_id or "", parts=tuple(parts), is_error=bool(block.is_error), cache=cache
        )

    def _file(self, block: Block, path: _Path, cache: CacheMark | None) -> Image | Document | Opaque:
        source = strictly_decoded(block.source, _SOURCE, f"{_dotted(path)}.source", RULES)
        if block.type == "image" and source.type in ("base64", "url"):
            return Image(url=source.url, data=source.data, media_type=source.media_type, cache=cache)
        if block.type == "image" or source.type not in ("base64", "url", "text", "file"):
            return self._opaque(path)
        extra = _citations(block.citations) or {}
        if block.context is not None:
            extra["context"] = block.context
        is_text = source.type == "text"
        return Document(
            url=source.url,
            data=None if is_text else source.data,
            text=source.data if is_text else None,
            file_id=source.file_id,
            media_type=source.media_type,
            title=block.title,
            cache=cache,
            extra=extra or None,
        )

    def _opaque(self, path: _Path) -> Opaque:
        """Such blocks are rare, so the decoding is not kept."""
        name, *steps = path
        value: Any = decoded_member(self._members[str(name)], str(name))
        for step in steps:
            value = value[step]
        return Opaque(format=ANTHROPIC_MESSAGES, value=value)


def _dotted(path: _Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _cache(control: CacheControl | None) -> CacheMark | None:
    return None if control is None else CacheMark(ttl=control.ttl)


def _citations(raw: msgspec.Raw) -> dict[str, Any] | None:
    decoded = decoded_member(raw, "messages.content.citations") if memoryview(raw) else None
    return {"citations": decoded} if decoded else None


def _parse_tools(
    message: MessagesBody, members: Mapping[str, msgspec.Raw]
) -> tuple[tuple[Tool, ...], tuple[Opaque, ...]]:
    tools: list[Tool] = []
    opaque: list[Opaque] = []
    for index, tool in enumerate(message.tools or ()):
        if tool.type not in (None, "custom"):
            opaque.append(Opaque(format=ANTHROPIC_MESSAGES, value=decoded_member(members["tools"], "tools")[index]))
            continue
        schema = strictly_decoded(tool.input_schema, _OBJECT, f"tools[{index}].input_schema", RULES)
        tools.append(
            Tool(
                name=tool.name or "",
                description=tool.description,
                parameters=schema,
                strict=tool.strict,
                cache=_cache(tool.cache_control),
            )
        )
    return tuple(tools), tuple(opaque)


def _parse_choice(choice: ToolChoiceMember) -> ToolChoice:
    mode = _CHOICES[choice.type]
    return ToolChoice(mode=mode, name=choice.name if mode == "named" else None)


def _parse_format(message: MessagesBody) -> ResponseFormat | None:
    format = message.output_config.format if message.output_config is not None else None
    if format is None:
        return None
    where = "output_config.format"
    if format.type != "json_schema":
        raise invalid(f"{where}.type must be json_schema", f"{where}.type", allowed_values=["json_schema"])
    schema = strictly_decoded(format.schema or msgspec.Raw(b"null"), _OBJECT, f"{where}.schema", RULES)
    return ResponseFormat(kind="json_schema", schema=schema, strict=True)


def _parse_reasoning(message: MessagesBody) -> ReasoningConfig | None:
    thinking = message.thinking
    effort = message.output_config.effort if message.output_config is not None else None
    if thinking is None:
        return None if effort is None else ReasoningConfig(effort=effort)
    return ReasoningConfig(enabled=thinking.type != "disabled", effort=effort, budget_tokens=thinking.budget_tokens)
