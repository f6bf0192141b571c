"""What the gateway needs of a messages request, from one typed pass over its body. Source: spec 01 §4."""

from collections.abc import Iterator, Sequence
from typing import Final

from gatewayz.dialects.anthropic_messages.wire import Block, MessagesBody, body_reader
from gatewayz.dialects.caller import CallHead
from gatewayz.dialects.request_decoding import check_model, invalid, missing, take_extensions
from gatewayz.sdk.offers import Feature

__all__ = ["check_body", "prompt_texts", "read_head"]

MIN_THINKING_TOKENS: Final = 1024
_NO_NEEDS: Final[frozenset[Feature]] = frozenset()
_REQUIRED: Final = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "thinking": ("thinking",),
    "redacted_thinking": ("data",),
}
_BLOCK_NEEDS: Final[dict[str, Feature]] = {"image": "vision", "document": "documents"}


class _Prompt:
    """What has been seen of the prompt so far."""

    __slots__ = ("characters", "images", "needs")

    def __init__(self) -> None:
        self.characters = 0
        self.images = 0
        self.needs: set[Feature] = set()


def read_head(body: bytes) -> CallHead:
    """Return the head of a messages request; usage is always part of the stream. Raises InvalidRequest."""
    message, fields = body_reader.read(body)
    if message.max_tokens is None:
        raise missing("max_tokens")
    prompt = check_body(message)
    extensions = take_extensions(fields)
    needs = prompt.needs
    if message.tools:
        needs.add("tools")
        prompt.characters += len(memoryview(fields["tools"]))
    if message.thinking is not None and message.thinking.type == "enabled":
        needs.add("reasoning")
    if message.output_config is not None and message.output_config.format is not None:
        needs.add("json_schema")
    user = (message.metadata or {}).get("user_id")
    return CallHead(
        model=message.model,
        fields=fields,
        stream=bool(message.stream),
        include_usage=True,
        max_output_tokens=message.max_tokens,
        needs=frozenset(needs) if needs else _NO_NEEDS,
        provider=extensions.get("provider"),
        extensions=extensions,
        prompt_characters=prompt.characters,
        images=prompt.images,
        affinity=user if isinstance(user, str) else None,
        opening=_opening(message),
    )


def _opening(message: MessagesBody) -> str:
    for turn in message.messages:
        if turn.role == "user":
            if isinstance(turn.content, str):
                return turn.content
            return next((block.text for block in turn.content if block.text), "")
    return ""


def check_body(message: MessagesBody) -> _Prompt:
    """Check what types cannot say and measure the prompt. Raises InvalidRequest."""
    check_model(message.model)
    prompt = _Prompt()
    if isinstance(message.system, str):
        prompt.characters += len(message.system)
    elif message.system:
        _check_blocks(message.system, "system", prompt)
    for index, turn in enumerate(message.messages):
        where = f"messages[{index}].content"
        if not turn.content and turn.role != "assistant":
            raise invalid(f"{where} must not be empty", where, "INVALID_MESSAGE_FORMAT")
        if isinstance(turn.content, str):
            prompt.characters += len(turn.content)
        else:
            _check_blocks(turn.content, where, prompt)
    _check_tools(message)
    _check_thinking(message)
    return prompt


def _check_blocks(blocks: Sequence[Block], where: str, prompt: _Prompt) -> None:
    for index, block in enumerate(blocks):
        kind = block.type
        for name in _REQUIRED.get(kind, ()):
            member = getattr(block, name)
            if member is None or (name in ("source", "input") and not memoryview(member)):
                raise missing(f"{where}[{index}].{name}", f"is required in a block of type '{kind}'")
        if kind == "text":
            prompt.characters += len(block.text or "")
        elif kind == "tool_use":
            _check_object(block, "input", f"{where}[{index}]")
            prompt.characters += len(memoryview(block.input))
        elif kind == "tool_result":
            if isinstance(block.content, str):
                prompt.characters += len(block.content)
            elif isinstance(block.content, list):
                _check_blocks(block.content, f"{where}[{index}].content", prompt)
        elif kind in _BLOCK_NEEDS:
            _check_object(block, "source", f"{where}[{index}]")
            prompt.needs.add(_BLOCK_NEEDS[kind])
            prompt.images += kind == "image"
        elif kind == "thinking":
            prompt.characters += len(block.thinking or "")


def _check_object(block: Block, name: str, where: str) -> None:
    if bytes(memoryview(getattr(block, name))[:1]) != b"{":
        param = f"{where}.{name}"
        raise invalid(f"{param} must be object", param, "INVALID_PARAMETER_TYPE", expected_type="object")


def _check_tools(message: MessagesBody) -> None:
    for index, tool in enumerate(message.tools or ()):
        if tool.type in (None, "custom"):
            if not tool.name:
                raise missing(f"tools[{index}].name")
            if bytes(memoryview(tool.input_schema)[:1]) != b"{":
                raise missing(f"tools[{index}].input_schema", "is required and must be object")
    choice = message.tool_choice
    if choice is not None and choice.type == "tool" and not choice.name:
        raise missing("tool_choice.name", "is required with type 'tool'")


def _check_thinking(message: MessagesBody) -> None:
    thinking = message.thinking
    if thinking is None or thinking.type != "enabled":
        return
    where = "thinking.budget_tokens"
    if thinking.budget_tokens is None:
        raise missing(where, "is required with type 'enabled'")
    if thinking.budget_tokens < MIN_THINKING_TOKENS:
        raise invalid(f"{where} must be at least {MIN_THINKING_TOKENS}", where, min_value=MIN_THINKING_TOKENS)
    if message.max_tokens is not None and thinking.budget_tokens >= message.max_tokens:
        raise invalid(f"{where} must be less than max_tokens", where, max_value=message.max_tokens - 1)


def prompt_texts(body: bytes) -> list[str]:
    """Return all text of a count_tokens request, tools and system included. Raises InvalidRequest."""
    message, fields = body_reader.read(body)
    check_body(message)
    texts = [message.system] if isinstance(message.system, str) else list(_block_texts(message.system or ()))
    for turn in message.messages:
        texts += [turn.content] if isinstance(turn.content, str) else _block_texts(turn.content)
    if message.tools:
        texts.append(bytes(fields["tools"]).decode())
    return texts


def _block_texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if block.type == "tool_use":
            yield block.name or ""
            yield bytes(block.input).decode()
        elif isinstance(block.content, str):
            yield block.content
        elif isinstance(block.content, list):
            yield from _block_texts(block.content)
        elif text := block.text or block.thinking:
            yield text
