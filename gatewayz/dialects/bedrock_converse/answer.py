"""Converse's answers, whole and streamed.

Source: AWS, Bedrock API reference "Converse", "ConverseStream", "ConverseStreamOutput" (2026-11).
"""

import base64
import binascii
import contextlib
from typing import Any, Final

import msgspec

from gatewayz.dialects.aws_eventstream import EventStreamReader, StreamMessage
from gatewayz.dialects.bedrock_converse.errors import error_from_exception
from gatewayz.dialects.bedrock_converse.usage import usage_from_converse
from gatewayz.dialects.data_url import join_data_url
from gatewayz.dialects.tool_arguments import arguments_text
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    Event,
    FinishReason,
    Opaque,
    Part,
    Reasoning,
    ReasoningDelta,
    StreamStarted,
    Text,
    TextDelta,
    ToolArgumentsDelta,
    ToolUse,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import BEDROCK_CONVERSE

__all__ = ["ConverseReader", "parse_completion"]

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_FAILED: Final = frozenset({"malformed_model_output", "malformed_tool_use"})
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_EMPTY: Final = msgspec.Raw()


class _Source(msgspec.Struct):
    bytes: str = ""


class _ImageBlock(msgspec.Struct):
    format: str = "png"
    source: _Source = msgspec.field(default_factory=_Source)


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = _EMPTY
    type: str | None = None


class _ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class _ReasoningContent(msgspec.Struct, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None
    text: str | None = None
    """This and `signature`: in deltas, where the text is not nested."""
    signature: str | None = None


class _Cited(msgspec.Struct):
    content: list[_ReasoningText] = []


class _Block(msgspec.Struct, rename="camel"):
    """A content block, or the start or a delta of one."""

    text: str | None = None
    tool_use: _ToolUse | None = None
    reasoning_content: _ReasoningContent | None = None
    citations_content: _Cited | None = None
    image: _ImageBlock | None = None


class _Message(msgspec.Struct):
    content: list[msgspec.Raw] = []


class _Output(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str
    usage: dict[str, Any] | None = None


class _StreamEvent(msgspec.Struct, rename="camel"):
    content_block_index: int = 0
    start: _Block | None = None
    delta: _Block | None = None
    stop_reason: str = ""
    usage: dict[str, Any] | None = None


class _Exception(msgspec.Struct):
    message: str = ""


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_BLOCK: Final = msgspec.json.Decoder(_Block)
_EVENT: Final = msgspec.json.Decoder(_StreamEvent)
_EXCEPTION: Final = msgspec.json.Decoder(_Exception)
_TEXT: Final = msgspec.json.Decoder(str)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def parse_completion(body: bytes) -> Completion:
    """Return a whole answer.

    Raises UpstreamBroken when it is not of the format, or the class that its error stands for.
    """
    try:
        answer = _ANSWER.decode(body)
        parts = [part for raw in answer.output.message.content for part in _parse_block(raw)]
    except _BROKEN as err:
        raise _error_in(body) from err
    choice = Choice(parts=tuple(parts), finish_reason=_finish(answer.stop_reason))
    return Completion(id="", model="", created=0, choices=(choice,), usage=usage_from_converse(answer.usage))


def _parse_block(raw: msgspec.Raw) -> list[Part]:
    block = _BLOCK.decode(raw)
    if block.text is not None:
        return [Text(text=block.text)] if block.text else []
    if block.tool_use is not None and block.tool_use.type is None:
        use = block.tool_use
        return [ToolUse(id=use.tool_use_id, name=use.name, arguments=arguments_text(use.input))]
    if block.reasoning_content is not None:
        return [_parse_reasoning(block.reasoning_content)]
    if block.citations_content is not None:
        return [Text(text="".join(piece.text for piece in block.citations_content.content))]
    if block.image is not None:
        return [Text(text=_picture(block.image.format, block.image.source.bytes))]
    return [Opaque(format=BEDROCK_CONVERSE, value=_OBJECT.decode(raw))]


def _parse_reasoning(content: _ReasoningContent) -> Reasoning:
    if content.redacted_content is not None:
        return Reasoning(redacted=content.redacted_content, origin=BEDROCK_CONVERSE)
    read = content.reasoning_text or _ReasoningText()
    return Reasoning(text=read.text, signature=read.signature, origin=BEDROCK_CONVERSE if read.signature else None)


class ConverseReader:
    """Reads one binary stream, from `messageStart` to `messageStop` and the `metadata` behind it."""

    def __init__(self) -> None:
        self._messages = EventStreamReader()
        self._started = False
        self._finished = False
        self._calls: dict[int, int] = {}
        """Block index of a tool call to its number."""
        self._given: set[int] = set()
        """Calls whose arguments have begun to arrive."""
        self._images: dict[int, tuple[str, list[bytes]]] = {}
        """Block index of a picture to its format and the pieces so far."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`. See `EventParser.feed`."""
        out: list[Event] = []
        for message in self._messages.feed(data):
            kind = message.headers.get(":message-type", "event")
            if kind != "event":
                raise _error_of(message)
            try:
                self._take(message.headers.get(":event-type", ""), _EVENT.decode(message.payload), out)
            except (*_BROKEN, binascii.Error) as err:
                raise UpstreamBroken("the provider sent an event that is not of Converse") from err
        return out

    def finish(self) -> list[Event]:
        """Return nothing more. Raises UpstreamBroken when `messageStop` did not arrive."""
        if not self._finished:
            raise UpstreamBroken("the provider's stream ended before the answer was complete")
        return []

    def _take(self, kind: str, event: _StreamEvent, out: list[Event]) -> None:
        index = event.content_block_index
        match kind:
            case "contentBlockDelta" if event.delta is not None:
                self._take_delta(index, event.delta, out)
            case "contentBlockStart" if event.start is not None:
                use = event.start.tool_use
                if use is not None and use.type is None:
                    self._calls[index] = number = len(self._calls)
                    out.append(ToolUseStarted(index=number, id=use.tool_use_id, name=use.name))
                elif event.start.image is not None:
                    self._images[index] = (event.start.image.format, [])
            case "contentBlockStop" if index in self._images:
                format, pieces = self._images.pop(index)
                out.append(TextDelta(text=_picture(format, base64.b64encode(b"".join(pieces)).decode())))
            case "contentBlockStop":
                number = self._calls.get(index, -1)
                if number >= 0 and number not in self._given:
                    self._given.add(number)
                    out.append(ToolArgumentsDelta(index=number, arguments="{}"))
            case "messageStart" if not self._started:
                self._started = True
                out.append(StreamStarted(id="", model="", created=0))
            case "messageStop":
                self._finished = True
                out.append(ChoiceFinished(reason=_finish(event.stop_reason)))
            case "metadata" if event.usage is not None:
                out.append(UsageReported(usage=usage_from_converse(event.usage)))
            case _:
                pass  # kinds of blocks and events the core does not know

    def _take_delta(self, index: int, delta: _Block, out: list[Event]) -> None:
        if delta.text:
            out.append(TextDelta(text=delta.text))
        elif delta.tool_use is not None:
            arguments = _TEXT.decode(delta.tool_use.input) if delta.tool_use.input != _EMPTY else ""
            if index in self._calls and arguments:
                self._given.add(self._calls[index])
                out.append(ToolArgumentsDelta(index=self._calls[index], arguments=arguments))
        elif delta.reasoning_content is not None:
            content = delta.reasoning_content
            signature, redacted = content.signature or None, content.redacted_content or None
            origin = BEDROCK_CONVERSE if signature or redacted else None
            if content.text or origin is not None:
                out.append(
                    ReasoningDelta(text=content.text or "", signature=signature, redacted=redacted, origin=origin)
                )
        elif delta.image is not None and index in self._images:
            self._images[index][1].append(_picture_bytes(delta.image.source.bytes))


def _picture_bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError as err:
        raise UpstreamBroken("a picture in the answer is no base64") from err


def _finish(reason: str) -> FinishReason:
    if reason in _FAILED:
        raise UpstreamBroken(f"the model's answer cannot be used: {reason}")
    return _FINISH.get(reason, "stop")


def _picture(format: str, data: str) -> str:
    return f"![image]({join_data_url(f'image/{format}', data)})"


def _error_in(body: bytes) -> Exception:
    """The error of a body that is no answer; AWS names it `__type`, or not at all."""
    try:
        decoded = _OBJECT.decode(body)
    except _BROKEN:
        decoded = {}
    message, name = decoded.get("message", decoded.get("Message")), decoded.get("__type")
    if isinstance(message, str):
        return error_from_exception(name if isinstance(name, str) else "", message)
    return UpstreamBroken("the provider sent something that is not a Converse answer")


def _error_of(message: StreamMessage) -> Exception:
    """The error of a message of type `exception` (with a JSON payload) or `error` (with headers alone)."""
    headers = message.headers
    name = headers.get(":exception-type") or headers.get(":error-code") or ""
    text = headers.get(":error-message", "")
    with contextlib.suppress(*_BROKEN):  # without a payload the headers decide
        text = _EXCEPTION.decode(message.payload).message or text
    return error_from_exception(name, text)
