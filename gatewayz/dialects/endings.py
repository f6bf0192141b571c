"""How an answer ended, read from what its caller gets: finish reasons, and tool arguments that are no JSON object.

Only answers to calls that named a router are read. A format that is unknown here, or an answer in a
shape that is not its format's, has nothing wrong with it as far as can be told.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from gatewayz.sdk.outcomes import AnswerFault
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_RESPONSES, Format

__all__ = ["EndReader", "end_reader"]

T = TypeVar("T")
_FAULTS: Final[dict[str, AnswerFault]] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


class EndReader(Protocol):
    """Reads one answer."""

    def read_whole(self, body: bytes) -> AnswerFault | None:
        """Return what is wrong with a whole answer."""
        ...

    def feed(self, block: bytes) -> None:
        """Take whole events of a stream."""
        ...

    def ended(self) -> AnswerFault | None:
        """Return what is wrong with a stream that has ended well."""
        ...


class _Function(msgspec.Struct, frozen=True):
    arguments: Any = None


class _ToolCall(msgspec.Struct, frozen=True):
    id: str | None = None
    index: int | None = None
    function: _Function | None = None


class _Said(msgspec.Struct, frozen=True):
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct, frozen=True):
    index: int = 0
    finish_reason: str | None = None
    message: _Said | None = None
    delta: _Said | None = None


class _Chat(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


class _Delta(msgspec.Struct, frozen=True):
    stop_reason: str | None = None
    partial_json: str = ""


class _MessagesEvent(msgspec.Struct, frozen=True):
    index: int = 0
    delta: _Delta | None = None


class _Message(msgspec.Struct, frozen=True):
    stop_reason: str | None = None


class _Incomplete(msgspec.Struct, frozen=True):
    reason: str | None = None


class _Item(msgspec.Struct, frozen=True):
    type: str = ""
    arguments: Any = None


class _Response(msgspec.Struct, frozen=True):
    incomplete_details: _Incomplete | None = None
    output: list[_Item] = []


class _ResponsesEvent(msgspec.Struct, frozen=True):
    response: _Response | None = None


_CHAT: Final = msgspec.json.Decoder(_Chat)
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_MESSAGES_EVENT: Final = msgspec.json.Decoder(_MessagesEvent)
_RESPONSE: Final = msgspec.json.Decoder(_Response)
_RESPONSES_EVENT: Final = msgspec.json.Decoder(_ResponsesEvent)


class _Streamed(ABC):
    """What a stream has told so far: what was wrong with its end, and tool arguments piece by piece."""

    _marks: re.Pattern[bytes]
    """An event without any of them tells nothing of its end."""

    def __init__(self) -> None:
        self._fault: AnswerFault | None = None
        self._arguments: dict[Hashable, list[str]] = {}

    def feed(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            if line.startswith(b"data:") and self._marks.search(line):
                self._event(line[5:])

    def ended(self) -> AnswerFault | None:
        return self._fault or _fault([], ["".join(pieces) for pieces in self._arguments.values()])

    @abstractmethod
    def _event(self, data: bytes) -> None:
        """Take one event that has a mark."""

    def _word(self, word: str | None) -> None:
        self._fault = self._fault or _FAULTS.get(word or "")

    def _piece(self, key: Hashable, piece: Any) -> None:
        if isinstance(piece, str):
            self._arguments.setdefault(key, []).append(piece)


class _ChatEnd(_Streamed):
    _marks = re.compile(rb'"finish_reason"\s*:\s*"|"tool_calls"')

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[tuple[int, int], str] = {}
        """Of the tool call that is under way; some upstreams send whole calls, all under one index."""

    def read_whole(self, body: bytes) -> AnswerFault | None:
        chat = _decoded(_CHAT, body) or _Chat()
        calls = [call for choice in chat.choices if choice.message for call in choice.message.tool_calls or ()]
        arguments = [call.function.arguments for call in calls if call.function is not None]
        return _fault([choice.finish_reason for choice in chat.choices], arguments)

    def _event(self, data: bytes) -> None:
        for choice in (_decoded(_CHAT, data) or _Chat()).choices:
            self._word(choice.finish_reason)
            for call in (choice.delta.tool_calls if choice.delta else None) or ():
                place = (choice.index, call.index or 0)
                self._ids[place] = call.id or self._ids.get(place, "")
                self._piece((place, self._ids[place]), call.function.arguments if call.function else None)


class _MessagesEnd(_Streamed):
    """A whole answer has arguments as objects: they cannot be broken."""

    _marks = re.compile(rb'"stop_reason"\s*:\s*"|"partial_json"')

    def read_whole(self, body: bytes) -> AnswerFault | None:
        return _fault([(_decoded(_MESSAGE, body) or _Message()).stop_reason], [])

    def _event(self, data: bytes) -> None:
        event = _decoded(_MESSAGES_EVENT, data)
        if event is not None and event.delta is not None:
            self._word(event.delta.stop_reason)
            self._piece(event.index, event.delta.partial_json or None)


class _ResponsesEnd(_Streamed):
    """The last event has the whole response in it."""

    _marks = re.compile(rb'"response\.(completed|incomplete)"')

    def read_whole(self, body: bytes) -> AnswerFault | None:
        return self._of(_decoded(_RESPONSE, body))

    def _event(self, data: bytes) -> None:
        event = _decoded(_RESPONSES_EVENT, data)
        self._fault = self._of(None if event is None else event.response)

    @staticmethod
    def _of(response: _Response | None) -> AnswerFault | None:
        if response is None:
            return None
        words = [response.incomplete_details.reason] if response.incomplete_details else []
        return _fault(words, [item.arguments for item in response.output if item.type == "function_call"])


def end_reader(format: Format) -> EndReader | None:
    """Return a reader for one answer, None for a format whose ends are not understood."""
    reader = _READERS.get(format)
    return None if reader is None else reader()


def _fault(words: list[str | None], arguments: list[Any]) -> AnswerFault | None:
    """Return what is wrong; an answer that was cut off has broken arguments for that reason."""
    found = [_FAULTS[word] for word in words if word in _FAULTS]
    if found:
        return found[0]
    return "tool_arguments" if any(_is_broken(text) for text in arguments) else None


def _is_broken(arguments: Any) -> bool:
    if not isinstance(arguments, str) or not arguments.strip():
        return False
    return not isinstance(_decoded(_ANY, arguments.encode()), dict)


def _decoded(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T | None:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_READERS: Final[dict[Format, type[_ChatEnd | _MessagesEnd | _ResponsesEnd]]] = {
    OPENAI_CHAT: _ChatEnd,
    OPENAI_COMPLETIONS: _ChatEnd,
    ANTHROPIC_MESSAGES: _MessagesEnd,
    OPENAI_RESPONSES: _ResponsesEnd,
}
