"""The caller's request in core values.

Source: OpenAI API reference, "Create a model response" (2026-11); spec 01 §5; clients-on-the-wire 9, 10.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.data_url import split_data_url
from gatewayz.dialects.openai_responses.freeform import wrap_input
from gatewayz.dialects.openai_responses.seal import open_reasoning, open_tool_signature
from gatewayz.dialects.openai_responses.tools import parse_text_format, parse_tool_choice, parse_tools
from gatewayz.dialects.openai_responses.wire import Body, CallOutput, ContentPart, Item
from gatewayz.dialects.request_decoding import (
    EXTENSIONS,
    RequestReader,
    RequestRules,
    invalid,
    missing,
    strictly_decoded,
)
from gatewayz.sdk.chat import (
    Audio,
    Document,
    Image,
    Message,
    ModelCall,
    Opaque,
    Part,
    ReasoningConfig,
    Refusal,
    Role,
    Text,
    ToolResult,
    ToolUse,
)
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = ["READER", "check_items", "parse_call"]

_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
_RULES: Final = RequestRules(
    range_codes={"temperature": "INVALID_TEMPERATURE"},
    type_codes={"temperature": "INVALID_TEMPERATURE", "stream": "INVALID_STREAM_PARAMETER"},
    bounds={
        "temperature": (0, 2),
        "top_p": (0, 1),
        "frequency_penalty": (-2, 2),
        "presence_penalty": (-2, 2),
        "top_logprobs": (0, 20),
    },
)
READER: Final = RequestReader(Body, _RULES, frozenset(Body.__struct_fields__))
_ANY: Final = msgspec.json.Decoder(Any)
_STATEFUL: Final = ("previous_response_id", "conversation", "prompt")
_HARMLESS: Final[Mapping[str, Any]] = {
    "store": False,
    "background": False,
    "truncation": "disabled",
    "include": ["reasoning.encrypted_content"],
}
"""Members that change nothing with these values: not worth reporting as dropped."""
_READ: Final = frozenset(
    {
        "model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "max_tokens", "temperature",
        "top_p", "frequency_penalty", "presence_penalty", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls",
        "response_format", "reasoning", "metadata", "service_tier", "user", "provider", "safety_identifier",
    }
)  # fmt: skip


def check_items(items: Sequence[Item], member: str) -> None:
    """Raise InvalidRequest naming the item that has no known role or lacks what its type needs."""
    for index, item in enumerate(items):
        kind = item.type
        if kind is None or kind == "message":
            if item.role is None:
                raise missing(f"{member}[{index}].role")
            if item.role not in _ROLES:
                allowed = list(_ROLES)
                raise invalid(
                    f"{member}[{index}].role must be one of {', '.join(allowed)}",
                    f"{member}[{index}].role",
                    "INVALID_ROLE",
                    allowed_values=allowed,
                )
            absent = "content" if item.content is None else None
        elif kind == "function_call":
            absent = _first_missing(item, "call_id", "name", "arguments")
        elif kind in ("function_call_output", "custom_tool_call_output"):
            absent = _first_missing(item, "call_id", "output")
        else:
            continue
        if absent is not None:
            raise missing(f"{member}[{index}].{absent}")


def _first_missing(item: Item, *names: str) -> str | None:
    return next((name for name in names if getattr(item, name) is None), None)


def parse_call(body: bytes, *, model: str) -> ModelCall:
    """Return the call in core values, for a provider of another format.

    Raises InvalidRequest naming the parameter; also for what needs OpenAI's own storage.
    """
    read, fields = READER.read(body)
    for name in _STATEFUL:
        if getattr(read, name) is not None:
            raise _needs_storage(name)
    if read.background:
        raise _needs_storage("background")
    members: dict[str, Any] = {name: strictly_decoded(value, _ANY, name, _RULES) for name, value in fields.items()}
    tools, opaque_tools = parse_tools(members.get("tools") or ())
    messages = _parse_instructions(read.instructions) + _parse_input(read.input, members.get("input"))
    if not messages:
        raise missing("input", "is missing or empty")
    logprobs = read.top_logprobs is not None or "message.output_text.logprobs" in (read.include or ())
    return ModelCall(
        model=model,
        messages=tuple(messages),
        tools=tools,
        opaque_tools=opaque_tools,
        tool_choice=parse_tool_choice(read.tool_choice),
        parallel_tool_calls=read.parallel_tool_calls,
        response_format=parse_text_format(read.text.format if read.text else None, read.response_format),
        max_tokens=read.max_output_tokens or read.max_tokens,
        temperature=read.temperature,
        top_p=read.top_p,
        frequency_penalty=read.frequency_penalty,
        presence_penalty=read.presence_penalty,
        logprobs=True if logprobs else None,
        top_logprobs=read.top_logprobs,
        reasoning=_parse_reasoning(read),
        user=read.user or read.safety_identifier,
        service_tier=read.service_tier,
        metadata=read.metadata,
        stream=bool(read.stream),
        include_usage=True,
        format=OPENAI_RESPONSES,
        extra=_parse_extra(members) or None,
    )


def _needs_storage(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{name}' needs responses stored by OpenAI, which the chosen model's provider does not have",
        code="UNSUPPORTED_PARAMETER",
        param=name,
        suggestions=["send the whole conversation in 'input' with \"store\": false"],
    )


def _parse_extra(members: Mapping[str, Any]) -> dict[str, Any]:
    extra = {
        name: value
        for name, value in members.items()
        if name not in _READ and name not in EXTENSIONS and value is not None and _HARMLESS.get(name) != value
    }
    text = extra.pop("text", None)
    if isinstance(text, dict) and text.get("verbosity") not in (None, "medium"):
        extra["verbosity"] = text["verbosity"]
    return extra


def _parse_reasoning(body: Body) -> ReasoningConfig | None:
    options = body.reasoning
    if options is None or (options.effort is None and options.summary is None and options.generate_summary is None):
        return None
    return ReasoningConfig(
        enabled=options.effort != "none", effort=options.effort, summary=options.summary or options.generate_summary
    )


def _parse_instructions(instructions: str | list[Item] | None) -> list[Message]:
    if not instructions:
        return []
    if isinstance(instructions, str):
        return [Message(role="system", parts=(Text(text=instructions),))]
    raise invalid("only text instructions can be used with the chosen model", "instructions", "UNSUPPORTED_PARAMETER")


def _parse_input(items: str | list[Item] | None, raw: Any) -> list[Message]:
    if items is None:
        return []
    if isinstance(items, str):
        return [Message(role="user", parts=(Text(text=items),))] if items else []
    check_items(items, "input")
    history = _History()
    for index, (item, value) in enumerate(zip(items, raw, strict=True)):
        history.add(item, value, f"input[{index}]")
    return history.close()


class _History:
    """Joins neighbouring items into turns: what the assistant said and asked for, what the tools answered."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._role: Role | None = None
        self._parts: list[Part] = []
        self._signature: str | None = None

    def add(self, item: Item, raw: dict[str, Any], param: str) -> None:
        """Take the next item."""
        kind = item.type or "message"
        if kind == "message":
            self._add_message(item, raw, param)
        elif kind == "reasoning":
            self._signature = open_tool_signature(item.encrypted_content) or self._signature
            if open_tool_signature(item.encrypted_content) is None:
                text = "\n\n".join(part.text for part in item.summary or ()) or _plain(item.content)
                self._put("assistant", open_reasoning(item.encrypted_content, text=text, id=item.id))
        elif kind in ("function_call", "custom_tool_call"):
            self._add_call(item, kind, param)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            parts = _parse_call_output(item.output, raw.get("output"))
            self._put("tool", ToolResult(tool_use_id=item.call_id or "", parts=parts))
        elif kind == "item_reference":
            raise InvalidRequest(
                "item references need responses stored by OpenAI, which the chosen model's provider does not have",
                code="UNSUPPORTED_PARAMETER",
                param=param,
                suggestions=['send the items themselves, with "store": false'],
            )
        else:
            self._put("assistant", Opaque(format=OPENAI_RESPONSES, value=raw))

    def close(self) -> list[Message]:
        """Return all turns."""
        self._end_turn()
        return self._messages

    def _add_message(self, item: Item, raw: dict[str, Any], param: str) -> None:
        role = _ROLES[item.role or ""]
        if role != "assistant":
            self._end_turn()
        if isinstance(item.content, str):
            if item.content or role == "assistant":
                self._put(role, Text(text=item.content))
        else:
            for index, (part, value) in enumerate(zip(item.content or (), raw["content"], strict=True)):
                self._put(role, _parse_part(part, value, f"{param}.content[{index}]"))
        if role != "assistant":
            self._end_turn()

    def _add_call(self, item: Item, kind: str, param: str) -> None:
        if not isinstance(item.arguments, str) and kind == "function_call":
            raise invalid(
                f"{param}.arguments must be a string",
                f"{param}.arguments",
                "INVALID_PARAMETER_TYPE",
                expected_type="str",
            )
        arguments = item.arguments if isinstance(item.arguments, str) else wrap_input(item.input or "")
        call = ToolUse(
            id=item.call_id or "", name=item.name or "", arguments=arguments or "{}", signature=self._signature
        )
        self._signature = None
        self._put("assistant", call)

    def _put(self, role: Role, part: Part) -> None:
        if role != self._role:
            self._end_turn()
            self._role = role
        self._parts.append(part)

    def _end_turn(self) -> None:
        if self._role is not None and self._parts:
            self._messages.append(Message(role=self._role, parts=tuple(self._parts)))
        self._role, self._parts = None, []


def _plain(content: str | list[ContentPart] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n\n".join(part.text or "" for part in content)


def _parse_call_output(output: CallOutput, raw: Any) -> tuple[Text | Image | Document | Opaque, ...]:
    if isinstance(output, str):
        return (Text(text=output),)
    if not isinstance(output, list):
        return (Opaque(format=OPENAI_RESPONSES, value=raw or {}),)
    parts = []
    for part, value in zip(output, raw, strict=True):
        parsed = _parse_part(part, value, "input")
        parts.append(
            parsed
            if isinstance(parsed, Text | Image | Document | Opaque)
            else Opaque(format=OPENAI_RESPONSES, value=value)
        )
    return tuple(parts)


def _parse_part(part: ContentPart, raw: dict[str, Any], param: str) -> Part:
    kind = part.type
    if kind in ("input_text", "output_text", "text") and part.text is not None:
        annotations = raw.get("annotations")
        return Text(text=part.text, extra={"annotations": annotations} if annotations else None)
    if kind == "refusal" and part.refusal is not None:
        return Refusal(text=part.refusal)
    if kind in ("input_image", "image_url"):
        return _parse_image(part, raw, param)
    if kind == "input_file":
        return _parse_file(part, param)
    if kind == "input_audio" and part.input_audio is not None:
        data, format = part.input_audio.get("data"), part.input_audio.get("format")
        if isinstance(data, str) and isinstance(format, str):
            return Audio(data=data, format=format)
    if kind in ("input_text", "output_text", "text", "refusal", "input_audio"):
        raise missing(f"{param}.{'text' if kind.endswith('text') else kind}")
    return Opaque(format=OPENAI_RESPONSES, value=raw)


def _parse_image(part: ContentPart, raw: dict[str, Any], param: str) -> Part:
    url: Any = part.image_url
    detail = part.detail
    if isinstance(url, dict):
        detail = detail or url.get("detail")
        url = url.get("url")
    if not isinstance(url, str):
        if part.file_id is not None:
            return Opaque(format=OPENAI_RESPONSES, value=raw)
        raise missing(f"{param}.image_url")
    inline = split_data_url(url)
    if inline is not None:
        return Image(data=inline.data, media_type=inline.media_type, detail=detail)
    return Image(url=url, detail=detail)


def _parse_file(part: ContentPart, param: str) -> Document:
    if part.file_data is not None:
        inline = split_data_url(part.file_data)
        if inline is not None:
            return Document(data=inline.data, media_type=inline.media_type, title=part.filename)
        return Document(data=part.file_data, media_type=_media_type(part.filename), title=part.filename)
    if part.file_url is not None:
        return Document(url=part.file_url, title=part.filename)
    if part.file_id is not None:
        return Document(file_id=part.file_id, title=part.filename)
    raise missing(f"{param}.file_data", "(or file_url, or file_id) is required")


def _media_type(filename: str | None) -> str:
    return "text/plain" if filename and filename.lower().endswith((".txt", ".md")) else "application/pdf"
