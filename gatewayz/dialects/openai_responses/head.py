"""What the gateway itself reads of a Responses request, in one validating pass."""

import msgspec

from gatewayz.dialects.caller import CallHead
from gatewayz.dialects.openai_responses.request import READER, check_items
from gatewayz.dialects.openai_responses.tools import parse_text_format, render_text_format
from gatewayz.dialects.openai_responses.wire import Body, ContentPart, Item
from gatewayz.dialects.request_decoding import missing, take_extensions
from gatewayz.sdk.offers import Feature

__all__ = ["read_head"]


class _Prompt:
    """Counts what a prompt holds, without copying it."""

    __slots__ = ("characters", "images", "needs")

    def __init__(self) -> None:
        self.characters = 0
        self.images = 0
        self.needs: set[Feature] = set()

    def add_text(self, text: str | None) -> None:
        if text is not None:
            self.characters += len(text)

    def add_parts(self, parts: list[ContentPart]) -> None:
        for part in parts:
            self.add_text(part.text)
            if part.type in ("input_image", "image_url"):
                self.images += 1
                self.needs.add("vision")
            elif part.type == "input_file":
                self.needs.add("documents")
            elif part.type == "input_audio":
                self.needs.add("audio_input")

    def add_item(self, item: Item) -> None:
        for value in (item.content, item.output, item.arguments, item.input):
            if isinstance(value, str):
                self.characters += len(value)
            elif isinstance(value, list):
                self.add_parts(value)
        for part in item.summary or ():
            self.characters += len(part.text)


def read_head(body: bytes) -> CallHead:
    """Check types and ranges and return what the gateway needs. See `CallerDialect.read_head`."""
    read, fields = READER.read(body)
    extensions = take_extensions(fields)
    prompt = _Prompt()
    for name, member in (("input", read.input), ("instructions", read.instructions)):
        if isinstance(member, str):
            prompt.add_text(member)
        elif member is not None:
            check_items(member, name)
            for item in member:
                prompt.add_item(item)
    if not read.input and not (read.previous_response_id or read.conversation or read.prompt):
        raise missing("input", "is missing or empty")
    if read.tools:
        prompt.needs.add("tools")
    _add_answer_needs(read, prompt.needs)
    return CallHead(
        model=read.model,
        fields=_edit_fields(read, fields),
        stream=bool(read.stream),
        include_usage=True,
        max_output_tokens=read.max_output_tokens or read.max_tokens,
        needs=frozenset(prompt.needs),
        provider=read.provider,
        extensions=extensions,
        prompt_characters=prompt.characters,
        images=prompt.images,
        affinity=read.prompt_cache_key or read.user or read.safety_identifier,
        opening=_opening(read.input),
    )


def _opening(said: str | list[Item] | None) -> str:
    if isinstance(said, str):
        return said
    for item in said or ():
        if item.role == "user":
            content = item.content
            if isinstance(content, str):
                return content
            return next((part.text for part in content or () if part.text), "")
    return ""


def _add_answer_needs(read: Body, needs: set[Feature]) -> None:
    format = parse_text_format(read.text.format if read.text else None, read.response_format)
    if format is not None and format.kind != "text":
        needs.add("json_schema" if format.kind == "json_schema" else "json_mode")
    if read.top_logprobs or "message.output_text.logprobs" in (read.include or ()):
        needs.add("logprobs")


def _edit_fields(read: Body, fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Put chat-completions names (spec 01 §5) under this API's own."""
    limit = fields.pop("max_tokens", None)
    if limit is not None and read.max_output_tokens is None:
        fields["max_output_tokens"] = limit
    if fields.pop("response_format", None) is not None and (read.text is None or read.text.format is None):
        format = render_text_format(parse_text_format(None, read.response_format))
        text = msgspec.json.decode(fields["text"], type=dict[str, msgspec.Raw]) if read.text is not None else {}
        text["format"] = msgspec.Raw(msgspec.json.encode(format))
        fields["text"] = msgspec.Raw(msgspec.json.encode(text))
    return fields
