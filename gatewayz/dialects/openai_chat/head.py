"""What the gateway needs of a chat request, from one typed pass over its body.

Source: spec 01 §1.1, §1.2. The hot path: no message is copied, no schema decoded.
"""

from typing import Final

from gatewayz.dialects.caller import CallHead
from gatewayz.dialects.openai_chat.wire import ChatBody, ChatMessage, ContentPart, ToolDefinition, body_reader
from gatewayz.dialects.request_decoding import check_model, invalid, missing, take_extensions
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.offers import Feature

__all__ = ["check_body", "read_head"]

_NO_NEEDS: Final[frozenset[Feature]] = frozenset()
_NO_THINKING: Final = (None, "none", "minimal")
_PART_NEEDS: Final[dict[str, Feature]] = {"image_url": "vision", "input_audio": "audio_input", "file": "documents"}


class _Prompt:
    """What has been seen of the messages so far."""

    __slots__ = ("characters", "images", "needs")

    def __init__(self) -> None:
        self.characters = 0
        self.images = 0
        self.needs: set[Feature] = set()


def read_head(body: bytes) -> CallHead:
    """Return the head of a chat request. Raises InvalidRequest."""
    chat, fields = body_reader.read(body)
    prompt = check_body(chat)
    extensions = take_extensions(fields)
    needs = prompt.needs
    if chat.tools or chat.functions:
        needs.add("tools")
        prompt.characters += sum(len(memoryview(fields[name])) for name in ("tools", "functions") if name in fields)
    if chat.response_format is not None and chat.response_format.type != "text":
        needs.add("json_schema" if chat.response_format.type == "json_schema" else "json_mode")
    if chat.logprobs:
        needs.add("logprobs")
    if chat.reasoning_effort not in _NO_THINKING:
        needs.add("reasoning")
    options = chat.stream_options
    return CallHead(
        model=chat.model,
        fields=fields,
        stream=bool(chat.stream),
        include_usage=options is not None and bool(options.include_usage),
        max_output_tokens=chat.max_completion_tokens or chat.max_tokens,
        n=chat.n or 1,
        needs=frozenset(needs) if needs else _NO_NEEDS,
        provider=extensions.get("provider"),
        extensions=extensions,
        prompt_characters=prompt.characters,
        images=prompt.images,
        affinity=chat.prompt_cache_key or chat.user,
        opening=_opening(chat.messages),
    )


def _opening(messages: list[ChatMessage]) -> str:
    for message in messages:
        if message.role == "user":
            if isinstance(message.content, str):
                return message.content
            return next((part.text for part in message.content or () if part.text), "")
    return ""


def check_body(chat: ChatBody) -> _Prompt:
    """Check what types cannot say and measure the prompt. Raises InvalidRequest."""
    check_model(chat.model)
    prompt = _Prompt()
    for index, message in enumerate(chat.messages):
        content = message.content
        if type(content) is str and content:
            prompt.characters += len(content)
        elif content:
            _check_parts(content, f"messages[{index}].content", prompt)  # type: ignore[arg-type]  # a list: str is above
        else:
            _check_empty(message, index)
        if message.role == "assistant":
            _check_calls(message, index, prompt)
        elif message.role == "tool" and message.tool_call_id is None:
            raise missing(f"messages[{index}].tool_call_id", "is required in a tool message")
    if chat.tools:
        _check_tools(chat.tools)
    choice = chat.response_format
    if choice is not None and choice.type == "json_schema" and choice.json_schema is None:
        raise missing("response_format.json_schema", "is required with type 'json_schema'")
    return prompt


def _check_empty(message: ChatMessage, index: int) -> None:
    where = f"messages[{index}].content"
    if message.role in ("system", "developer", "user"):
        raise _bad_message(f"{where} must not be empty", where)
    if message.role == "assistant" and message.content is None and not _says_something(message):
        raise _bad_message(f"{where} or tool_calls is required in an assistant message", where)


def _says_something(message: ChatMessage) -> bool:
    return bool(
        message.tool_calls
        or message.function_call
        or message.refusal is not None
        or message.reasoning_content is not None
        or message.reasoning_details
        or memoryview(message.audio)
    )


def _check_parts(parts: list[ContentPart], where: str, prompt: _Prompt) -> None:
    for index, part in enumerate(parts):
        if part.type == "text":
            if part.text is None:
                raise missing(f"{where}[{index}].text", "is required in a part of type 'text'")
            prompt.characters += len(part.text)
            continue
        if (need := _PART_NEEDS.get(part.type)) is None:
            continue
        member = getattr(part, part.type)
        if not memoryview(member):
            raise missing(f"{where}[{index}].{part.type}", f"is required in a part of type '{part.type}'")
        if bytes(memoryview(member)[:1]) not in (b"{", b'"'):
            raise invalid(
                f"{where}[{index}].{part.type} must be object",
                f"{where}[{index}].{part.type}",
                "INVALID_PARAMETER_TYPE",
                expected_type="object",
            )
        prompt.needs.add(need)
        if need == "vision":
            prompt.images += 1


def _check_calls(message: ChatMessage, index: int, prompt: _Prompt) -> None:
    for number, call in enumerate(message.tool_calls or ()):
        if call.type == "function":
            if call.function is None:
                raise missing(f"messages[{index}].tool_calls[{number}].function")
            prompt.characters += len(call.function.arguments)


def _check_tools(tools: list[ToolDefinition]) -> None:
    for index, tool in enumerate(tools):
        if tool.type != "function":
            continue
        if tool.function is None:
            raise missing(f"tools[{index}].function", "is required in a tool of type 'function'")
        parameters = tool.function.parameters
        if memoryview(parameters) and bytes(memoryview(parameters)[:1]) not in (b"{", b"n"):
            where = f"tools[{index}].function.parameters"
            raise invalid(f"{where} must be object", where, "INVALID_PARAMETER_TYPE", expected_type="object")


def _bad_message(message: str, param: str) -> InvalidRequest:
    return invalid(message, param, "INVALID_MESSAGE_FORMAT")
